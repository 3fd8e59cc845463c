/** What `evaluate` measured. */
import type { EvaluationDocument, MeasuredData } from '../documents/result.ts';
import { gridText } from './grid.ts';
import { count, duration } from './numbers.ts';

export function evaluationText(evaluation: EvaluationDocument): string {
  const { data, split, seconds } = evaluation;
  const what = split === undefined ? 'rows' : `${split} rows`;
  return [...heading(what, data), gridText(evaluation), '', duration(seconds)].join('\n');
}

function heading(what: string, { name, rows, isOwn, leftOut = 0, ignored = [] }: MeasuredData): string[] {
  if (isOwn) return [what];
  return [
    `${count(rows)} ${what} of ${name}, which the run was not trained on`,
    ...(leftOut === 0 ? [] : [`${count(leftOut)} more have no scenario or are left out by the data set's where`]),
    ...ignored.map(
      (condition) => `warning: the rows lack columns of the condition ${condition}, which was not evaluated`,
    ),
  ];
}
