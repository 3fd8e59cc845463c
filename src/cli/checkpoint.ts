/** Says whose weights are used where they are not those of a finished model. */
import type { StepEvent } from '../export/events.ts';
import type { WeightsEvent } from '../inference/model/trained.ts';
import { print, printJson } from './output.ts';

export const checkpointNote =
  (run: string, json = false) =>
  ({ checkpoint: { name, position } }: WeightsEvent): void => {
    const { phase, epoch, step } = position;
    const where = step === 0 ? `after ${phase} epoch ${epoch}` : `in ${phase} epoch ${epoch + 1}, after step ${step}`;
    const message = `${run}: weights of checkpoint ${name}, ${where}, not those of a finished model`;
    if (json) printJson({ event: 'warning', message });
    else print(`warning: ${message}`);
  };

/** Prints the steps of an export, and whose weights are used. */
export const printSteps =
  (run: string, json = false) =>
  (event: StepEvent | WeightsEvent): void => {
    if (event.event === 'weights') checkpointNote(run, json)(event);
    else if (json) printJson(event);
    else print(event.step);
  };
