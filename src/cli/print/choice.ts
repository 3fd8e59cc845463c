/** Shows the choice of a model while it is made. */
import { oneLine } from '../../base/one-line.ts';
import { candidateLine, choiceText, leftOutText, passesOf } from '../../report/choice.ts';
import { count, duration } from '../../report/numbers.ts';
import { YARDSTICK_NAMES } from '../../report/yardsticks.ts';
import type { ChoiceEvent, ChoosingEvent, TrialEvent } from '../../study/choose/events.ts';
import type { ProgressEvent } from '../../train/run/events.ts';
import { printJson } from '../output.ts';
import { type Display, eventJson } from './progress.ts';
import { bar } from './render.ts';

/** A stop is no event of the choice. */
type ShownEvent = ChoiceEvent | { event: 'interrupted'; run: string };

export function choiceDisplay(json: boolean, display: Display): (event: ShownEvent) => void {
  return json ? showJson : textDisplay(display);
}

/** Of the trials only epochs and warnings. */
function showJson(event: ShownEvent): void {
  if (event.event !== 'trial') printJson(event);
  else if (event.training.event === 'epoch' || event.training.event === 'warning')
    printJson({ ...event, training: eventJson(event.training) });
}

function textDisplay(display: Display): (event: ShownEvent) => void {
  let steps = new Map<string, number>();
  const progress = trialProgress();
  return (event) => {
    switch (event.event) {
      case 'choosing':
        steps = new Map(event.candidates.map((candidate) => [candidate.model, candidate.steps]));
        return display.say(choosingText(event));
      case 'trial': {
        const { training, model } = event;
        if (training.event === 'warning') display.say(`warning: ${model}: ${training.message}`);
        const line = progress(event, steps.get(model) ?? 0);
        return line === undefined ? undefined : display.progress(line);
      }
      case 'working':
        return display.progress(event.on === 'flows' ? `${event.model}  testing flows` : 'fitting yardsticks');
      case 'candidate':
        return display.say('because' in event ? leftOutText(event) : candidateLine(event));
      case 'choice':
        return display.say(choiceText(event));
    }
  };
}

/** A line for each event of progress; the steps of earlier phases count. */
function trialProgress(): (event: TrialEvent, steps: number) => string | undefined {
  let [before, inPhase] = [0, 0];
  return ({ model, training }, steps) => {
    if (training.event === 'start') [before, inPhase] = [0, 0];
    if (training.event === 'phase') [before, inPhase] = [before + inPhase, 0];
    if (training.event !== 'progress') return undefined;
    inPhase = stepsOf(training);
    const done = before + inPhase;
    return `${model}  ${bar(Math.min(1, done / steps))}  step ${count(done)} of ${count(steps)} at most  ${count(Math.round(training.rowsPerSecond))} rows/s`;
  };
}

const stepsOf = ({ epoch, steps, step }: ProgressEvent): number => (epoch - 1) * steps + step;

function choosingText(event: ChoosingEvent): string {
  const { run, dataset, rows, budget, candidates, leftOut, yardsticks, yardsticksLeftOut } = event;
  const named = candidates.map(({ model, passes }) => `${model} (${passesOf(passes)})`);
  const fitted = [
    ...yardsticks.map((key) => YARDSTICK_NAMES[key]),
    ...yardsticksLeftOut.map((key) => `not ${YARDSTICK_NAMES[key]}, for lack of budget`),
  ];
  return [
    `choosing a model for ${oneLine(dataset)} in ${run}`,
    `  rows        ${count(rows.train)} train, ${count(rows.validation)} validation`,
    `  budget      ${duration(budget)} of processor time (--budget)`,
    `  candidates  ${named.join(', ')}`,
    ...(fitted.length === 0 ? [] : [`  yardsticks  ${fitted.join(', ')}`]),
    ...leftOut.map((candidate) => `  ${leftOutText(candidate)}`),
    '',
  ].join('\n');
}
