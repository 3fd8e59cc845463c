/** The training thread: ONNX Runtime blocks its thread during a run, so another thread handles progress and signals. */
import { resolve } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { packError } from '../../base/link.ts';
import { checkAlike } from '../../comm/alike.ts';
import type { Collective } from '../../comm/contract.ts';
import { shareJson } from '../../comm/json.ts';
import { localCollective } from '../../comm/local.ts';
import { openCollective } from '../../comm/open.ts';
import type { WorkerMessage, WorkerRequest } from './host.ts';
import type { TrainingRequest } from './loop.ts';
import { followTraining, runTraining, runTrial } from './run.ts';

const { folder, from, data, trial, overRanks, words, stop } = workerData as WorkerRequest;
const flag = new Int32Array(stop);
const send = (message: WorkerMessage): void => parentPort?.postMessage(message);
const shouldStop = (): boolean => Atomics.load(flag, 0) === 1;

try {
  const ranks = overRanks ? await openCollective() : localCollective();
  const event = ranks.rank === 0 ? await lead(ranks) : await follow(ranks);
  await ranks.idleBarrier(); // rank 0 measures the model
  await ranks.close(); // not after an error: the process ends, and the launcher then ends the other ranks
  send({ kind: 'done', event });
} catch (cause) {
  send({ kind: 'failed', error: packError(cause) });
}

/** What ranks other than 0 need to know of the request. */
type Place = Pick<TrainingRequest, 'folder' | 'data'>;

async function lead(ranks: Collective) {
  const place: Place = { folder: folder as string, data };
  const request: TrainingRequest = {
    ...place,
    from,
    ranks,
    emit: (event) => send({ kind: 'event', event }),
    shouldStop,
  };
  await ranks.idleBarrier();
  await checkCommand(ranks);
  await shareJson<Place>(ranks, { folder: resolve(place.folder), data: data && resolve(data) });
  return trial === undefined ? await runTraining(request) : await runTrial(request, trial);
}

async function follow(ranks: Collective): Promise<undefined> {
  await ranks.idleBarrier(); // rank 0 may choose the model first
  await checkCommand(ranks);
  const place = await shareJson<Place>(ranks, undefined);
  await followTraining({ ...place, ranks, shouldStop });
}

/** Rank 0 alone acts on the words of the command: other words of another rank would be ignored. */
function checkCommand(ranks: Collective): Promise<void> {
  return checkAlike(ranks, { command: words.join(' ') });
}
