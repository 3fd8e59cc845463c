/** What a training process is asked to do, and what it answers. */
import type { PackedError } from '../base/link.ts';
import type { ResultEvent, TrainingEvent, ValidatedEvent } from '../train/run/events.ts';

export interface TrainingJob {
  /** A run folder made by newRun. It is trained from its newest checkpoint, or from the start. */
  folder: string;
  /** File to write the finished model's logits of the test rows to; see logits.ts. */
  testLogits?: string;
  /** Train at most this many epochs, for their validation values alone (see runTrial); without a number, to the end. */
  trial?: { epochs?: number };
  onEvent?: (event: TrainingEvent) => void;
}

export type TrainingOutcome =
  /** `peakBytes`: the most memory that its process held. */
  | { kind: 'finished'; result: ResultEvent; peakBytes: number }
  | { kind: 'validated'; result: ValidatedEvent }
  /** The pool was stopped; the run resumes from its checkpoint another time. */
  | { kind: 'stopped' }
  /** The run failed, or its process died more often than it is restarted. */
  | { kind: 'failed'; error: Error };

export type WorkerRequest = Omit<TrainingJob, 'onEvent'> | 'stop';

export type WorkerReply =
  | { kind: 'event'; event: TrainingEvent }
  | { kind: 'failed'; error: PackedError }
  | Exclude<TrainingOutcome, { kind: 'failed' }>;
