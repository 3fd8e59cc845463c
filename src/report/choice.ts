/** Which model was taken where none was named, and why. */
import type { ChoiceDocument, LeftOutCandidate, TriedCandidate } from '../documents/choice.ts';
import { markdownText } from './markdown.ts';
import { count, duration, metricText, signed } from './numbers.ts';
import { markdownTable, numeric, type Table, tableOf, textTable } from './table.ts';
import { verdict, YARDSTICK_NAMES } from './yardsticks.ts';

const WIDTH = 120;

/** The end of a choice on a terminal. */
export function choiceText(choice: ChoiceDocument): string {
  return [
    '',
    ...(choice.candidates.length === 0 ? [] : [...textTable(candidateTable(choice), WIDTH), '']),
    ...choiceSentences(choice),
    '',
  ].join('\n');
}

/** The same for a page. */
export function choiceMarkdown(choice: ChoiceDocument): string[] {
  const { budget, seed, rows, seconds } = choice;
  return [
    ...choiceSentences(choice).map((sentence) => `- ${markdownText(sentence)}`),
    '',
    ...(choice.candidates.length === 0
      ? []
      : [
          `Budget ${duration(budget)} of processor time, seed ${seed}; it took ${duration(seconds)}. Metrics are of the ${count(rows.validation)} validation rows.`,
          '',
          ...markdownTable(candidateTable(choice)),
          '',
        ]),
  ];
}

export function choiceSentences(choice: ChoiceDocument): string[] {
  const { yardsticks, yardsticksLeftOut, leftOut } = choice;
  return [
    reason(choice),
    ...(yardsticks === undefined ? [] : [`On validation rows, ${lowerFirst(verdict(yardsticks))}`]),
    ...leftOut.map(leftOutText),
    ...(yardsticksLeftOut.length === 0
      ? []
      : [`Not fitted, for lack of budget: ${yardsticksLeftOut.map((key) => YARDSTICK_NAMES[key]).join(', ')}.`]),
  ];
}

const lowerFirst = (text: string): string => `${text[0].toLowerCase()}${text.slice(1)}`;

function reason({ chosen, because, candidates, budget }: ChoiceDocument): string {
  const taken = candidates.find(({ model }) => model === chosen);
  if (because === 'only') {
    const why =
      candidates.length === 0
        ? `a budget of ${duration(budget)} pays for no second candidate`
        : 'no other candidate has a mean AUC of validation rows';
    return `Taken without a comparison: ${chosen}. Reason: ${why}.`;
  }
  const best = candidates.find(({ behind, grid }) => behind === null && grid !== null && grid.macro.auc !== null);
  if (because === 'best' || taken?.behind == null || best === undefined)
    return `Chosen: ${chosen}. It has the highest mean AUC of validation rows, ${metricText(taken?.grid?.macro.auc)}.`;
  const { difference, standardError } = taken.behind;
  const cost = (best.multiplyAdds / taken.multiplyAdds).toFixed(1);
  return `Chosen: ${chosen}. ${best.model} is ahead by ${metricText(-difference)} only (one standard error: ${metricText(standardError)}), and takes ${cost} times as many multiply-adds to score a row.`;
}

export function leftOutText({ model, because, price }: LeftOutCandidate): string {
  switch (because) {
    case 'budget':
      return `Not tried, for lack of budget: ${model}. It would take about ${duration(price ?? 0)} more.`;
    case 'flows':
      return `Not tried: ${model}. The flow test found nothing that it could leave out.`;
    case 'cells':
      return `Not tried: ${model}. The data have a single scenario and task.`;
  }
}

/** A candidate in a line, when its trial has ended. */
export function candidateLine({ model, grid, passes, ended, seconds, failure }: TriedCandidate): string {
  if (failure !== undefined) return `${model}  failed: ${failure}`;
  const found =
    grid === null
      ? 'no cell of the validation rows has the metric'
      : `validation AUC ${metricText(grid.macro.auc)}, log loss ${metricText(grid.macro.logloss)}`;
  const trained = ended ? 'trained to its end' : `${passesOf(passes)} over the training rows`;
  return `${model}  ${found}  ${trained}, ${duration(seconds)}`;
}

export const passesOf = (passes: number): string => `${passes.toFixed(1)} passes`;

function candidateTable({ candidates, chosen }: ChoiceDocument): Table {
  return tableOf(candidates, [
    { title: 'candidate', text: ({ model }) => (model === chosen ? `${model} (chosen)` : model) },
    numeric('mean AUC', ({ grid }) => metricText(grid?.macro.auc)),
    numeric('log loss', ({ grid }) => metricText(grid?.macro.logloss)),
    numeric('behind the best [95 %]', ({ behind }) =>
      behind === null ? '-' : `${signed(behind.difference)} [${signed(behind.low)}, ${signed(behind.high)}]`,
    ),
    numeric('parameters', ({ denseParameters }) => count(denseParameters)),
    {
      title: 'trained',
      text: ({ passes, ended, failure }) => (failure ? 'failed' : ended ? 'to its end' : passesOf(passes)),
    },
    numeric('time', ({ seconds }) => duration(seconds)),
  ]);
}
