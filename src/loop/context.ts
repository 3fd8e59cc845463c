/** What all stages of a round are given. */
import type { LoopConfig } from '../config/loop.ts';
import type { Round } from '../documents/loop/round.ts';
import type { TrainingEvent } from '../train/run/events.ts';

export type LoopEvent =
  | { event: 'step'; step: string }
  | { event: 'training'; training: TrainingEvent }
  | { event: 'round'; round: Round };

export interface LoopContext {
  config: LoopConfig;
  /** Time that decides which labels are known. Default: that of the machine. */
  now?: number;
  onEvent: (event: LoopEvent) => void;
  /** Give up a round that is not decided, instead of going on with it. */
  abandon?: boolean;
  /** Stops a training with a checkpoint. */
  signal?: AbortSignal;
}
