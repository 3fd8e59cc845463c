/** Runs a training to its end and shows it: shared by train, resume and demo. */
import { EXIT } from '../base/errors/entry.ts';
import type { ResultEvent, TrainingEvent } from '../train/run/events.ts';
import { startFollowing, startTraining, type TrainingOptions } from '../train/run/host.ts';
import { displayFor } from './print/progress.ts';
import { noteRun } from './process/notes.ts';
import { onStopSignal } from './process/stop.ts';

export interface FollowOptions extends Pick<TrainingOptions, 'from' | 'data'> {
  json?: boolean;
  /** Handles an event itself: true where it is not to be shown. */
  take?: (event: TrainingEvent) => boolean;
}

/** Ctrl-C and SIGTERM stop it with a checkpoint; then there is no result and the exit code is set. */
export async function follow(
  folder: string,
  { json = false, from, data, take = () => false }: FollowOptions,
): Promise<ResultEvent | undefined> {
  noteRun(folder);
  const display = displayFor(json);
  const training = startTraining(folder, {
    from,
    data,
    overRanks: true,
    onEvent(event) {
      if (!take(event)) display.event(event);
    },
  });
  const forget = onStopSignal(() => {
    training.stop();
    display.note('Stopping after this step, with a checkpoint. Press Ctrl-C again to quit immediately, without one.');
  });
  try {
    const end = await training.finished;
    if (end.event === 'result') return end;
    process.exitCode = EXIT.interrupted;
    display.note(`Stopped. Resume with: tributary resume ${folder}${data === undefined ? '' : ` --data ${data}`}`);
    return undefined;
  } finally {
    forget();
    display.close();
  }
}

/** Trains as a rank other than 0: rank 0 says what, shows it, and says how it ended. */
export async function followLead(): Promise<void> {
  const training = startFollowing();
  const forget = onStopSignal(() => training.stop());
  try {
    await training.finished;
  } finally {
    forget();
  }
}
