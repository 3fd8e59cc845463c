/**
 * The process of one training, started by openPool. The training runs in a thread of its own, so that this one can receive a
 * stop. When the parent process is gone, this one exits at once; the run keeps its last checkpoint.
 */
import { setTimeout } from 'node:timers/promises';
import { TributaryError } from '../base/errors/index.ts';
import { packError } from '../base/link.ts';
import type { InterruptedEvent, ResultEvent, TrainingEvent, ValidatedEvent } from '../train/run/events.ts';
import { startTraining, startTrial, type TrainingHandle } from '../train/run/host.ts';
import type { TrainingJob, WorkerReply, WorkerRequest } from './job.ts';
import { writeLogits } from './logits.ts';

/** A process that was just killed may still hold its folder. */
const LOCK_MILLISECONDS = 200;
const LOCK_TRIES = 50;

const send = (reply: WorkerReply): Promise<void> =>
  new Promise((sent) => process.send?.(reply, undefined, undefined, () => sent()));
let training: TrainingHandle<ResultEvent | ValidatedEvent> | undefined;
let stopped = false;

process.on('disconnect', () => process.exit());
process.on('message', (request: WorkerRequest) => {
  if (request === 'stop') {
    stopped = true;
    training?.stop();
  } else void work(request).finally(() => process.disconnect());
});

async function work({ folder, testLogits, trial }: Exclude<WorkerRequest, 'stop'>): Promise<void> {
  try {
    const result = await train(folder, trial);
    if (result.event === 'interrupted') return await send({ kind: 'stopped' });
    if (result.event === 'validated') return await send({ kind: 'validated', result });
    if (testLogits !== undefined) await writeLogits(folder, 'test', testLogits);
    await send({ kind: 'finished', result, peakBytes: process.resourceUsage().maxRSS * 1024 });
  } catch (cause) {
    await send({ kind: 'failed', error: packError(cause) });
  }
}

async function train(
  folder: string,
  trial: TrainingJob['trial'],
): Promise<ResultEvent | ValidatedEvent | InterruptedEvent> {
  for (let tries = 1; ; tries++)
    try {
      const onEvent = (event: TrainingEvent): void => void send({ kind: 'event', event });
      training =
        trial === undefined
          ? startTraining(folder, { onEvent })
          : startTrial(folder, { onEvent, epochs: trial.epochs });
      if (stopped) training.stop();
      return await training.finished;
    } catch (cause) {
      const locked = cause instanceof TributaryError && cause.code === 'RUN_LOCKED';
      if (!locked || tries === LOCK_TRIES) throw cause;
      await setTimeout(LOCK_MILLISECONDS);
    }
}
