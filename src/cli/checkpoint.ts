/** Says whose weights are used where they are not those of a finished model. */
import type { CheckpointInfo } from '../store/run/checkpoint.ts';
import { print, printJson } from './output.ts';

export const checkpointNote =
  (run: string, json = false) =>
  ({ name, position: { phase, epoch, step } }: CheckpointInfo): void => {
    const where = step === 0 ? `after ${phase} epoch ${epoch}` : `in ${phase} epoch ${epoch + 1}, after step ${step}`;
    const message = `${run}: weights of checkpoint ${name}, ${where}, not those of a finished model`;
    if (json) printJson({ event: 'warning', message });
    else print(`warning: ${message}`);
  };
