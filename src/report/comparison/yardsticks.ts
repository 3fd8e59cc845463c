/** What simple predictors reach in a comparison, and which models beat them. */
import type { ComparisonResult, DatasetResult, ModelTests } from '../../documents/comparison.ts';
import { metricText, percent, signed } from '../numbers.ts';
import { type Column, numeric, tableOf } from '../table.ts';
import { YARDSTICK_NAMES } from '../yardsticks.ts';
import type { Section } from './section.ts';
import { CORRECTION_NAMES, correctedText } from './words.ts';

export function yardstickSections(
  { confidence, correction }: ComparisonResult,
  { yardsticks, groups }: DatasetResult,
): Section[] {
  if (yardsticks === undefined) return [];
  const { measured, best, tests } = yardsticks;
  type Measured = (typeof measured)[number];
  const shown = measured[0]?.grid.cells.flatMap(({ scenario, task, rows }, i) =>
    rows > 0 ? [{ scenario, task, i }] : [],
  );
  const columns: Column<Measured>[] = [
    { title: 'yardstick', text: ({ key }) => YARDSTICK_NAMES[key] },
    numeric('AUC', ({ grid }) => metricText(grid.macro.auc)),
    numeric('log loss', ({ grid }) => metricText(grid.macro.logloss)),
    numeric('cal. err', ({ grid }) => metricText(grid.macro.calibrationError)),
    ...(shown ?? []).map(({ scenario, task, i }) =>
      numeric<Measured>(`${scenario}, ${task}`, ({ grid }) => metricText(grid.cells[i].auc)),
    ),
  ];
  return [
    {
      title: 'yardsticks: simple predictors, fitted once',
      table: tableOf(measured, columns),
      notes: ['cells: AUC on the test rows'],
    },
    ...(best === null
      ? []
      : [
          {
            title: `mean AUC minus that of the best yardstick, ${YARDSTICK_NAMES[best]}`,
            table: tableOf(tests, [
              { title: 'model', text: ({ model }) => model },
              numeric<ModelTests>('difference', ({ macro }) =>
                macro.bootstrap ? signed(macro.bootstrap.difference) : '-',
              ),
              numeric<ModelTests>(percent(confidence), ({ macro }) =>
                macro.bootstrap ? `${signed(macro.bootstrap.low)} to ${signed(macro.bootstrap.high)}` : '-',
              ),
              numeric<ModelTests>('p rows', ({ macro }) => correctedText(macro.bootstrap)),
              { title: '', text: (test) => (beats(test) ? 'beats it' : 'does not beat it') },
            ]),
            notes: [
              `mean over the seeds; interval and p: bootstrap of ${groups.of}s, p with ${CORRECTION_NAMES[correction]}`,
            ],
          },
        ]),
  ];
}

const beats = ({ macro: { bootstrap } }: ModelTests): boolean => bootstrap !== null && bootstrap.low > 0;

/** Which models are no better than a simple predictor, in a sentence. */
export function yardstickFinding({ yardsticks }: DatasetResult): string | undefined {
  if (yardsticks === undefined || yardsticks.best === null || yardsticks.tests.length === 0) return undefined;
  const { best, tests } = yardsticks;
  const lost = tests.filter((test) => !beats(test)).map(({ model }) => model);
  const name = `the best yardstick, ${YARDSTICK_NAMES[best]}`;
  if (lost.length === 0) return `Every model beats ${name}.`;
  return lost.length === tests.length ? `No model beats ${name}.` : `Not better than ${name}: ${lost.join(', ')}.`;
}
