/** The thread of a choice. */
import { parentPort, workerData } from 'node:worker_threads';
import { packError } from '../../base/link.ts';
import { runChoice } from './choose.ts';
import type { ChoiceMessage, ChoiceWork } from './host.ts';

const { folder, data, stop } = workerData as ChoiceWork;
const flag = new Int32Array(stop);
const send = (message: ChoiceMessage): void => parentPort?.postMessage(message);

try {
  const made = await runChoice({
    folder,
    data,
    emit: (event) => send({ kind: 'event', event }),
    shouldStop: () => Atomics.load(flag, 0) === 1,
  });
  send({ kind: 'done', made });
} catch (cause) {
  send({ kind: 'failed', error: packError(cause) });
}
