import { EXIT, entry } from './entry.ts';

const cells = (lost: { scenario: string; task: string; loss: number }[]): string =>
  lost.map(({ scenario, task, loss }) => `  ${scenario}, ${task}: ${loss.toFixed(5)}`).join('\n');

export const SELECT_ERRORS = {
  FLOWS_NONE: entry(
    EXIT.usage,
    400,
    (d: { run: string; model: string }) =>
      `the model in ${d.run} is ${d.model}, which has neither flow gates nor experts to choose from: there is nothing to count`,
    { onPage: 'Export the run without selection, or train a model that selects (autoifs, aesm2)' },
  ),
  SELECT_DIFFERS: entry(
    EXIT.internal,
    500,
    (d: { rows: number; differing: number; largest: number; allowed: number }) =>
      `the selected graphs do not answer as the model does: on ${d.differing} of ${d.rows} validation rows, by up to ${d.largest.toExponential(1)} ` +
      `in probability where ${d.allowed.toExponential(0)} is allowed`,
    "Nothing was written; please report this with the run's model.json",
  ),
  SELECT_OVER_BUDGET: entry(
    EXIT.usage,
    422,
    (d: { loss: number; budget: number; lost: { scenario: string; task: string; loss: number }[] }) =>
      `the mean AUC on validation rows falls by ${d.loss.toFixed(5)}, more than the budget of ${d.budget}. Losses by cell:\n${cells(d.lost)}\n`,
    'Nothing was written. Take a smaller --epsilon, leave out --int8, or allow more by --budget',
  ),
  SELECT_INT8_USELESS: entry(
    EXIT.usage,
    422,
    (d: { reason: string }) => `eight bits gain nothing here: ${d.reason}`,
    'Nothing was written; leave out --int8',
  ),
} as const;
