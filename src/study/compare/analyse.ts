/** From finished trainings to the result: means over seeds, tests against the baseline and against references. */
import type { ComparedModel, Comparison } from '../../config/load-compare.ts';
import type { Manifest, PreparedData } from '../../data/prepared/prepared.ts';
import {
  type CellMeans,
  type CellResult,
  type ComparisonResult,
  type DatasetResult,
  METRICS,
  type MetricMeans,
  type MetricName,
  type ModelResult,
} from '../../documents/comparison.ts';
import { gridToJson } from '../../documents/grid.ts';
import { cellWeights, weightedMean } from '../../evaluate/index.ts';
import { bootstrapAuc, meanOf, placements } from '../../evaluate/significance/index.ts';
import { bestOf } from '../../yardsticks/interval.ts';
import { type Answer, answersOf } from './answers.ts';
import type { CellEnd } from './cell.ts';
import { readTestRows, type TestRows } from './test-rows.ts';
import { type Measured, testModels } from './tests.ts';
import { type AnsweringYardstick, answersOfYardsticks, withSeeds } from './yardsticks.ts';

export async function analyse(
  comparison: Comparison,
  datasets: readonly PreparedData[],
  ends: readonly CellEnd[],
): Promise<ComparisonResult> {
  const { baseline, seeds, correction, confidence, bootstrap, evaluation } = comparison;
  const results: DatasetResult[] = [];
  for (const data of datasets) {
    const own = ends.filter(({ cell }) => cell.data.manifest.hash === data.manifest.hash);
    results.push(await analyseDataset(comparison, data, own));
  }
  return {
    schema: 'comparison/1',
    version: 1,
    baseline,
    seeds,
    correction,
    confidence,
    bootstrap,
    k: evaluation.k,
    datasets: results,
  };
}

async function analyseDataset(
  comparison: Comparison,
  data: PreparedData,
  ends: readonly CellEnd[],
): Promise<DatasetResult> {
  const { manifest } = data;
  const test = await readTestRows(data);
  const models = comparison.models.map((model) => ({ model, answers: answersOf(model, ends, manifest) }));
  const yardsticks = comparison.yardsticks ? await answersOfYardsticks(data, comparison) : [];
  const scored = [
    ...models.map(({ model, answers }) => ({ model, answers })),
    ...yardsticks.map(({ key, answer }) => ({ model: { label: key }, answers: [answer] })),
  ];
  const all = measure(comparison, scored, test);
  const measured = all.slice(0, models.length);
  const { k: _, ...rule } = comparison.evaluation;
  const counted = cellWeights(
    test.cells.map(({ labels }) => ({
      rows: labels.length,
      positives: labels.reduce((sum, label) => sum + label, 0),
    })),
    rule,
  );
  const { weights } = counted;
  const options = { ...comparison, weights, scenarios: manifest.scenarios, tasks: manifest.tasks };
  const of = (wanted: (model: Measured['model']) => boolean): Measured[] =>
    measured.filter(({ model }) => wanted(model));
  const baseline = of(({ label }) => label === comparison.baseline);
  const joint = of(({ by }) => by === undefined);
  return {
    data: manifest.name,
    hash: manifest.hash,
    scenarios: manifest.scenarios,
    tasks: manifest.tasks,
    testRows: manifest.splits.test.rows,
    means: { ...rule, fallback: counted.fallback, leftOut: leftOut(manifest, weights) },
    groups: test.groups,
    models: models.map(({ model, answers }) => modelResult(model, answers, ends, { ...comparison, weights }, data)),
    tests: testModels(
      of(({ label }) => label !== comparison.baseline),
      baseline,
      options,
    ),
    ...(yardsticks.length > 0 && {
      yardsticks: againstBest(yardsticks, all.slice(models.length), joint, comparison, options),
    }),
    // Each reference has a table and a correction of its own.
    transfer: of(({ by }) => by !== undefined).flatMap((reference) => testModels(joint, [reference], options)),
  };
}

/** Every joint model against the yardstick with the highest mean AUC. */
function againstBest(
  yardsticks: readonly AnsweringYardstick[],
  measured: readonly Measured[],
  joint: readonly Measured[],
  { seeds }: Comparison,
  options: Parameters<typeof testModels>[2],
): DatasetResult['yardsticks'] {
  const best = bestOf(yardsticks);
  return {
    measured: yardsticks.map(({ key, grid }) => ({ key, grid: gridToJson(grid) })),
    best: best?.key ?? null,
    tests:
      best === undefined
        ? []
        : testModels(joint, [withSeeds(measured[yardsticks.indexOf(best)], seeds, best.key)], options),
  };
}

/** Cells that do not count in means. */
const leftOut = ({ scenarios, tasks }: Manifest, weights: readonly number[]): { scenario: string; task: string }[] =>
  scenarios.flatMap((scenario) => tasks.map((task) => ({ scenario, task }))).filter((_, cell) => weights[cell] === 0);

/** AUCs, placements and bootstrap draws of all models, cell by cell: only one cell's rows are in memory at a time. */
function measure(
  { bootstrap }: Comparison,
  models: readonly { model: Measured['model']; answers: Pick<Answer, 'seed' | 'logits'>[] }[],
  test: TestRows,
): Measured[] {
  const measured: Measured[] = models.map(({ model, answers }) => ({
    model,
    seeds: answers.map(({ seed }) => seed),
    aucs: [],
    placements: [],
    resampled: [],
  }));
  for (const cell of test.cells) {
    const logits = models.map(({ answers }) => answers.map((answer) => answer.logits(cell)));
    const [draws] = bootstrapAuc([{ labels: cell.labels, groups: cell.groups, scores: logits.flat() }], {
      groups: test.groups.count,
      ...bootstrap,
    });
    let next = 0;
    for (const [m, scores] of logits.entries()) {
      const own = scores.map((of) => placements(of, cell.labels));
      measured[m].aucs.push(own.map((of) => of?.auc ?? null));
      measured[m].placements.push(own);
      measured[m].resampled.push(draws.slice(next, next + scores.length));
      next += scores.length;
    }
  }
  return measured;
}

function modelResult(
  { label, run, by }: ComparedModel,
  answers: readonly Answer[],
  ends: readonly CellEnd[],
  { confidence, weights }: Pick<Comparison, 'confidence'> & { weights: readonly number[] },
  { manifest }: PreparedData,
): ModelResult {
  const trainings = answers.flatMap((answer) => answer.trainings);
  const means = (values: (name: MetricName) => (number | null | undefined)[]): MetricMeans =>
    Object.fromEntries(
      METRICS.map((name) => {
        const defined = values(name).filter((value) => value !== null && value !== undefined); // older cells lack some
        return [name, defined.length === 0 ? null : meanOf(defined, confidence)];
      }),
    ) as MetricMeans;
  const cells = manifest.scenarios.flatMap((scenario, s) =>
    manifest.tasks.map((task, t): CellMeans => {
      const own = answers.map((answer) => answer.cells[s * manifest.tasks.length + t]);
      const { rows = 0, positives = 0 } = own[0] ?? {};
      return { scenario, task, rows, positives, ...means((name) => own.map((cell) => cell[name])) };
    }),
  );
  const macro = means((name) =>
    answers.map((answer) =>
      weightedMean(
        answer.cells.map((cell) => cell[name] ?? null),
        weights,
      ),
    ),
  );
  const first = answers[0]?.trainings ?? [];
  const cost = (name: keyof (typeof first)[number]['result']['cost']): number =>
    first.reduce((sum, { result }) => sum + result.cost[name], 0);
  return {
    data: manifest.name,
    model: label,
    key: run.model.key,
    ...(by && { by }),
    seeds: answers.map(({ seed }) => seed),
    failed: ends.flatMap((end) =>
      end.kind === 'failed' && end.cell.model === label
        ? [{ cell: end.cell.name, code: end.code, message: end.message }]
        : [],
    ),
    macro,
    cells,
    denseParameters: cost('denseParameters'),
    embeddingParameters: cost('embeddingParameters'),
    multiplyAddsPerRow: cost('multiplyAddsPerRow'),
    epochs: trainings.map(({ result }) => result.epochs),
    ...(by === undefined && courseOf(trainings.map(({ result }) => result))),
  };
}

/** Validation by epoch over the seeds. Nothing where a training of an older version is among them. */
export function courseOf(
  results: readonly Pick<CellResult, 'curve' | 'bestEpoch'>[],
): Pick<ModelResult, 'curve' | 'bestEpochs'> {
  const curves = results.flatMap(({ curve }) => (curve === undefined ? [] : [curve]));
  if (curves.length < results.length || curves.length === 0) return {};
  const curve = Array.from({ length: Math.max(...curves.map(({ length }) => length)) }, (_, i) => {
    const known = curves.flatMap((own) => own[i] ?? []);
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    return { epoch: i + 1, n: known.length, mean, lowest: Math.min(...known), highest: Math.max(...known) };
  });
  return { curve: curve.filter(({ n }) => n > 0), bestEpochs: results.map(({ bestEpoch }) => bestEpoch) };
}
