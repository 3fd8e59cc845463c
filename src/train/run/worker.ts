/** The training thread: ONNX Runtime blocks its thread during a run, so another thread handles progress and signals. */
import { parentPort, workerData } from 'node:worker_threads';
import { packError } from '../../base/link.ts';
import type { WorkerMessage, WorkerRequest } from './host.ts';
import type { TrainingRequest } from './loop.ts';
import { runTraining, runTrial } from './run.ts';

const { folder, from, data, trial, stop } = workerData as WorkerRequest;
const flag = new Int32Array(stop);
const send = (message: WorkerMessage): void => parentPort?.postMessage(message);

try {
  const request: TrainingRequest = {
    folder,
    from,
    data,
    emit: (event) => send({ kind: 'event', event }),
    shouldStop: () => Atomics.load(flag, 0) === 1,
  };
  const end = trial === undefined ? await runTraining(request) : await runTrial(request, trial);
  send({ kind: 'done', event: end });
} catch (cause) {
  send({ kind: 'failed', error: packError(cause) });
}
