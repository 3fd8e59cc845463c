/** Chooses the model of a run and shows it: shared by train and resume. */
import { EXIT } from '../base/errors/entry.ts';
import { startChoice } from '../study/choose/host.ts';
import { choiceDisplay } from './print/choice.ts';
import { displayFor } from './print/progress.ts';
import { onStopSignal } from './process/stop.ts';

/** True where a model is chosen: the folder is then that of a run. After Ctrl-C the exit code is set. */
export async function chooseModel(
  folder: string,
  { json = false, data }: { json?: boolean; data?: string },
): Promise<boolean> {
  const display = displayFor(json);
  const show = choiceDisplay(json, display);
  const choice = startChoice(folder, { data, onEvent: show });
  const forget = onStopSignal(() => {
    choice.stop();
    display.note('Stopping after this step, with a checkpoint. Press Ctrl-C again to quit immediately, without one.');
  });
  try {
    if (await choice.finished) return true;
    process.exitCode = EXIT.interrupted;
    if (json) show({ event: 'interrupted', run: folder });
    display.note(`Stopped. Go on with: tributary resume ${folder}${data === undefined ? '' : ` --data ${data}`}`);
    return false;
  } finally {
    forget();
    display.close();
  }
}
