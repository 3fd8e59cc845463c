/** The option that says how an artifact ranks. */

import { InvalidArgumentError, Option } from 'commander';
import type { ExportOptions } from '../export/export.ts';

export type Score = NonNullable<ExportOptions['score']>;

export const scoreOption = (): Option =>
  new Option(
    '--score <expression>',
    "what ranks, over the tasks' probabilities; SCENARIO=EXPRESSION for one scenario; may be repeated " +
      '(default: the mean of all tasks)',
  ).argParser(readScore);

/** No expression has an equals sign; a scenario may: its name ends at the last one. */
function readScore(text: string, before: Score = {}): Score {
  const at = text.lastIndexOf('=');
  const [scenario, expression] = at < 0 ? [undefined, text] : [text.slice(0, at).trim(), text.slice(at + 1)];
  if (expression.trim() === '') throw new InvalidArgumentError('Expected an expression, as in "click * 0.3 + buy".');
  if (scenario === undefined) return { ...before, default: expression };
  return { ...before, scenarios: { ...before.scenarios, [scenario]: expression } };
}
