/** The tables of a comparison, each with its title and notes. */
import type { ComparisonResult, DatasetResult, ModelResult, Times } from '../../documents/comparison.ts';
import { count, metricText, percent, signed } from '../numbers.ts';
import { type Column, numeric, tableOf } from '../table.ts';
import { costSection, failureSections } from './cost.ts';
import type { Section } from './section.ts';
import {
  CORRECTION_NAMES,
  cellsText,
  correctedText,
  interval,
  isSignificant,
  meansNotes,
  meanText,
  significance,
  spread,
} from './words.ts';
import { yardstickSections } from './yardsticks.ts';

export function sectionsOf(result: ComparisonResult, times: Times): Section[] {
  return result.datasets.flatMap((dataset) => {
    const sections = [
      quality(result, dataset),
      ...yardstickSections(result, dataset),
      ...cellSections(result, dataset),
      ...transferSections(result, dataset),
      costSection(dataset, times),
      ...failureSections(dataset),
    ];
    const several = result.datasets.length > 1;
    return sections.map((section) => (several ? { ...section, title: `${dataset.data}: ${section.title}` } : section));
  });
}

const modelColumn: Column<ModelResult> = { title: 'model', text: ({ model }) => model };

function quality(result: ComparisonResult, dataset: DatasetResult): Section {
  const { models, tests, groups, means } = dataset;
  const testsOf = (model: ModelResult) => tests.find((test) => test.model === model.model)?.macro;
  const difference = (model: ModelResult): string => {
    if (model.model === result.baseline) return 'baseline';
    const bootstrap = testsOf(model)?.bootstrap;
    return bootstrap ? signed(bootstrap.difference) : '-';
  };
  const ranked = models.some(({ macro }) => macro.ndcg);
  const level = percent(result.confidence);
  const columns: Column<ModelResult>[] = [
    modelColumn,
    numeric('AUC', ({ macro }) => spread(macro.auc)),
    numeric(level, ({ macro }) => interval(macro.auc)),
    numeric('grouped', ({ macro }) => meanText(macro.groupedAuc)),
    ...(ranked
      ? [
          numeric<ModelResult>(`NDCG@${result.k}`, ({ macro }) => meanText(macro.ndcg)),
          numeric<ModelResult>(`MAP@${result.k}`, ({ macro }) => meanText(macro.map)),
        ]
      : []),
    numeric('log loss', ({ macro }) => meanText(macro.logloss)),
    numeric('cal. err', ({ macro }) => meanText(macro.calibrationError)),
    numeric('vs base', difference),
    numeric('p rows', (model) => correctedText(testsOf(model)?.bootstrap)),
    numeric('p seeds', (model) => correctedText(testsOf(model)?.seeds)),
  ];
  return {
    title: `means over ${cellsText(dataset)}, test rows`,
    table: tableOf(models, columns),
    notes: [
      `AUC: mean ± sd over ${result.seeds.length} seeds and its ${level} interval (Student's t); the other columns are means over seeds`,
      `p rows: bootstrap of ${count(groups.count)} ${groups.of}s; p seeds: paired t test over seeds; both with ${CORRECTION_NAMES[result.correction]}`,
      ...meansNotes(means),
    ],
  };
}

/** A table for each task: AUC per scenario. */
function cellSections(result: ComparisonResult, dataset: DatasetResult): Section[] {
  const { models, tests, scenarios, tasks, groups } = dataset;
  const auc = (model: ModelResult, cell: number): string => {
    const test = tests.find((of) => of.model === model.model)?.cells[cell];
    const significant = test !== undefined && isSignificant(test, result);
    const mark = !significant ? ' ' : (test.delong?.difference ?? 0) > 0 ? '+' : '-';
    return `${spread(model.cells[cell].auc)} ${mark}`;
  };
  return tasks.map((task, t) => ({
    title: `AUC of ${task}`,
    table: tableOf(models, [
      modelColumn,
      ...scenarios.map((scenario, s) => numeric<ModelResult>(scenario, (model) => auc(model, s * tasks.length + t))),
    ]),
    notes: [`+ or -: better or worse than ${result.baseline} over all seeds, ${significance(result, groups)}`],
  }));
}

/** Difference of AUC to models of one task or one scenario alone. */
function transferSections(result: ComparisonResult, dataset: DatasetResult): Section[] {
  const { transfer, scenarios, tasks, groups } = dataset;
  type Tests = (typeof transfer)[number];
  const gain = ({ cells }: Tests, c: number): string => {
    const { delong } = cells[c];
    if (delong === null) return '-';
    const mark = delong.difference >= 0 ? ' ' : isSignificant(cells[c], result) ? '▼' : '▽';
    return `${signed(delong.difference)} ${mark}`;
  };
  const lost = ({ cells }: Tests): number =>
    cells.filter(({ delong }) => delong !== null && delong.difference < 0).length;
  const references = [...new Set(transfer.map(({ against }) => against))];
  return references.map((reference) => ({
    title: `negative transfer: AUC minus that of ${reference}`,
    table: tableOf(
      transfer.filter(({ against }) => against === reference),
      [
        { title: 'model', text: ({ model }) => model },
        ...scenarios.flatMap((scenario, s) =>
          tasks.map((task, t) => numeric<Tests>(`${scenario}, ${task}`, (tests) => gain(tests, s * tasks.length + t))),
        ),
        numeric('lost', (tests) => `${lost(tests)} of ${tests.cells.length}`),
      ],
    ),
    notes: [`▽: the joint model loses; ▼: ${significance(result, groups)}`],
  }));
}

/** The best model by mean AUC, in a sentence; undefined where no model has one. */
export function finding(result: ComparisonResult, { models, tests }: DatasetResult): string | undefined {
  const joint = models.filter(({ by, macro }) => by === undefined && macro.auc !== null);
  const [best] = joint.toSorted((a, b) => (b.macro.auc?.mean ?? 0) - (a.macro.auc?.mean ?? 0));
  if (best === undefined) return undefined;
  const auc = `${best.model} has the highest mean AUC, ${metricText(best.macro.auc?.mean)}`;
  if (best.model === result.baseline) return `${auc}; it is the baseline`;
  const test = tests.find(({ model }) => model === best.model)?.macro;
  if (!test?.bootstrap) return auc;
  const p = `p ${correctedText(test.bootstrap)} over rows, ${correctedText(test.seeds)} over seeds`;
  return `${auc}: ${signed(test.bootstrap.difference)} against ${result.baseline} (${p})`;
}
