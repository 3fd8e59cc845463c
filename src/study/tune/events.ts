/** What a search reports while it works, and what it ends with. */
import type { RunConfig } from '../../config/run.ts';
import type { TrialRecord, TuningDocument } from '../../documents/tuning.ts';

export type TuneEvent =
  | { event: 'start'; out: string; method: string; trials: number; workers: number; known: number; monitor: Monitor }
  /** A trial has started or continued. */
  | { event: 'running'; trial: number; parameters: TrialRecord['parameters'] }
  /** `value`: of this epoch. */
  | { event: 'epoch'; trial: number; epochs: number; value: number | null }
  | ({ event: 'trial'; best: boolean } & TrialRecord);

export type Monitor = RunConfig['train']['monitor'];

export interface TuneResult extends TuningDocument {
  event: 'result';
  out: string;
  /** File of the best configuration. */
  config: string;
}
