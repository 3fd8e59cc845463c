/** Starts training in a separate thread and forwards its events. */
import { Worker } from 'node:worker_threads';
import { createHandle, type Handle } from '../../base/disposal.ts';
import { type PackedError, unpackError } from '../../base/link.ts';
import type { InterruptedEvent, ResultEvent, TrainingEvent, ValidatedEvent } from './events.ts';

/** Input of the thread. `stop`: one shared int; 1 requests a checkpoint and an end. */
export interface WorkerRequest {
  /** Absent in ranks other than 0. */
  folder?: string;
  from?: string;
  data?: string;
  /** Run a trial of this many epochs instead of a whole training. */
  trial?: { epochs?: number };
  /** Join the ranks that a launcher started. */
  overRanks?: boolean;
  /** Those that the command was given: all ranks must have the same. */
  words: string[];
  stop: SharedArrayBuffer;
}

export type WorkerMessage =
  | { kind: 'event'; event: TrainingEvent }
  | { kind: 'done'; event: ResultEvent | ValidatedEvent | InterruptedEvent | undefined }
  | { kind: 'failed'; error: PackedError };

/**
 * A training in its thread. It ends with the result, or with `interrupted` after a stop, which writes a checkpoint after the current
 * step.
 */
export type TrainingHandle<End = ResultEvent> = Handle<End | InterruptedEvent>;

interface Listening {
  onEvent?: (event: TrainingEvent) => void;
  /** Stops the training as `stop` does. */
  signal?: AbortSignal;
}

export interface TrainingOptions extends Listening {
  /** Name of the checkpoint to continue from. Default: the newest. */
  from?: string;
  /** Folder of the prepared data set, if it is not the one that the run recorded. */
  data?: string;
  /** Train together with the other processes that a launcher (`mpirun`) started; they call `startFollowing`. Default: alone. */
  overRanks?: boolean;
}

/** Trains the run in `folder` (made by newRun), from its newest checkpoint or from the start. */
export const startTraining = (
  folder: string,
  { from, data, overRanks, ...listening }: TrainingOptions = {},
): TrainingHandle => start({ folder, from, data, overRanks }, listening);

/** Trains together with rank 0, which says which run. It writes no files, and ends when rank 0 has. */
export const startFollowing = (): Handle<undefined> => start<undefined>({ overRanks: true }, {}) as Handle<undefined>;

/** Like startTraining, but for validation values only, see runTrial. `epochs`: default all. */
export const startTrial = (
  folder: string,
  { epochs, ...listening }: Listening & { epochs?: number },
): TrainingHandle<ValidatedEvent> => start({ folder, trial: { epochs } }, listening);

function start<End>(
  request: Omit<WorkerRequest, 'stop' | 'words'>,
  { onEvent = () => {}, signal }: Listening,
): TrainingHandle<End> {
  const stop = new SharedArrayBuffer(4);
  const workerData: WorkerRequest = { ...request, words: process.argv.slice(2), stop };
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
  return createHandle(finished, () => void Atomics.store(new Int32Array(stop), 0, 1), signal);
}
