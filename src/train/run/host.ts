/** Starts training in its own thread and passes on what it tells. */
import { Worker } from 'node:worker_threads';
import { type PackedError, unpackError } from '../../base/link.ts';
import type { InterruptedEvent, ResultEvent, TrainingEvent, ValidatedEvent } from './events.ts';

/** What the thread is given. `stop`: one shared int, set to 1 to ask for a checkpoint and an end. */
export interface WorkerRequest {
  folder: string;
  from?: string;
  data?: string;
  /** A trial of so many epochs instead of a whole training. */
  trial?: { epochs?: number };
  stop: SharedArrayBuffer;
}

export type WorkerMessage =
  | { kind: 'event'; event: TrainingEvent }
  | { kind: 'done'; event: ResultEvent | ValidatedEvent | InterruptedEvent }
  | { kind: 'failed'; error: PackedError };

export interface TrainingHandle<End = ResultEvent> {
  /** Ends with the result, or with `interrupted` after `stop`; fails with the error that ended the run. */
  finished: Promise<End | InterruptedEvent>;
  /** Asks for a checkpoint and an end after the current step. */
  stop(): void;
}

/** Where a training goes on, and on what. */
export interface TrainingStart {
  /** Name of the checkpoint to go on from. Default: the newest. */
  from?: string;
  /** Folder of the prepared data set, where it is not the one that the run recorded. */
  data?: string;
}

/** Trains the run in `folder` (made by createRun), from its newest checkpoint or from the start. */
export const startTraining = (
  folder: string,
  onEvent: (event: TrainingEvent) => void,
  { from, data }: TrainingStart = {},
): TrainingHandle => start({ folder, from, data }, onEvent);

/** The same for validation values alone, see runTrial. */
export const startTrial = (
  folder: string,
  onEvent: (event: TrainingEvent) => void,
  epochs?: number,
): TrainingHandle<ValidatedEvent> => start({ folder, trial: { epochs } }, onEvent);

function start<End>(
  request: Omit<WorkerRequest, 'stop'>,
  onEvent: (event: TrainingEvent) => void,
): TrainingHandle<End> {
  const stop = new SharedArrayBuffer(4);
  const workerData: WorkerRequest = { ...request, stop };
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData });
  const finished = new Promise<End | InterruptedEvent>((resolve, reject) => {
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'event') onEvent(message.event);
      else if (message.kind === 'done') resolve(message.event as End | InterruptedEvent);
      else reject(unpackError(message.error));
    });
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`the training thread ended with code ${code} before it was done`)));
  });
  return { finished, stop: () => void Atomics.store(new Int32Array(stop), 0, 1) };
}
