/** Makes a choice in a separate thread and forwards its events: yardsticks and ONNX Runtime block the thread that they run in. */
import { Worker } from 'node:worker_threads';
import { createHandle, type Handle } from '../../base/disposal.ts';
import { type PackedError, unpackError } from '../../base/link.ts';
import type { ChoiceEvent } from './events.ts';

/** Input of the thread. `stop`: one shared int; 1 requests an end. */
export interface ChoiceWork {
  folder: string;
  data?: string;
  stop: SharedArrayBuffer;
}

export type ChoiceMessage =
  | { kind: 'event'; event: ChoiceEvent }
  /** `made`: false after a stop. */
  | { kind: 'done'; made: boolean }
  | { kind: 'failed'; error: PackedError };

export interface ChoiceOptions {
  /** Folder of the prepared data set, if it is not the one that was recorded. */
  data?: string;
  onEvent?: (event: ChoiceEvent) => void;
  /** Stops the choice as `stop` does. */
  signal?: AbortSignal;
}

/** A choice at work. Ends with false after a stop. */
export type ChoiceHandle = Handle<boolean>;

/** Chooses the model of `folder` (made by newChoice), or goes on choosing. */
export function startChoice(folder: string, { data, onEvent = () => {}, signal }: ChoiceOptions = {}): ChoiceHandle {
  const stop = new SharedArrayBuffer(4);
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: { folder, data, stop } satisfies ChoiceWork,
  });
  const finished = new Promise<boolean>((resolve, reject) => {
    worker.on('message', (message: ChoiceMessage) => {
      if (message.kind === 'event') onEvent(message.event);
      else if (message.kind === 'done') resolve(message.made);
      else reject(unpackError(message.error));
    });
    worker.on('error', reject);
    worker.on('exit', (code) =>
      reject(new Error(`the thread of the choice ended with code ${code} before it was done`)),
    );
  });
  return createHandle(finished, () => void Atomics.store(new Int32Array(stop), 0, 1), signal);
}
