/** Tests of models against another model, corrected for multiple comparisons. */
import type { ComparedModel, Comparison } from '../../config/load-compare.ts';
import type { CellTests, CorrectedTest, ModelTests } from '../../documents/comparison.ts';
import { weightedMean } from '../../evaluate/index.ts';
import {
  bootstrapTest,
  CORRECTIONS,
  delongTest,
  meanPlacements,
  type Placements,
  pairedT,
  type Test,
} from '../../evaluate/significance/index.ts';

/** What tests need of a model: by cell, then by seed. */
export interface Measured {
  model: Pick<ComparedModel, 'label' | 'by'>;
  seeds: number[];
  /** Null where undefined. */
  aucs: (number | null)[][];
  placements: (Placements | undefined)[][];
  /** AUC in each bootstrap draw. */
  resampled: Float64Array[][];
}

type Options = Pick<Comparison, 'confidence' | 'correction'> & {
  scenarios: string[];
  tasks: string[];
  /** Of each cell in means over cells. */
  weights: readonly number[];
};

/** Tests each model against another one, given as a list of one model, or none where it was not measured. */
export function testModels(
  models: readonly Measured[],
  [against]: readonly Measured[],
  options: Options,
): ModelTests[] {
  if (against === undefined) return [];
  const tested = models.map((model) => testPair(model, against, options));
  const families: ((tests: ModelTests) => (CorrectedTest | null)[])[] = [
    ({ macro }) => [macro.bootstrap],
    ({ macro }) => [macro.seeds],
    ({ cells }) => cells.map(({ delong }) => delong),
    ({ cells }) => cells.map(({ bootstrap }) => bootstrap),
    ({ cells }) => cells.map(({ seeds }) => seeds),
  ];
  for (const family of families) correct(tested.flatMap(family), options.correction);
  return tested;
}

/** Corrects p of the tests of a family, in place. */
function correct(tests: readonly (CorrectedTest | null)[], correction: Options['correction']): void {
  const there = tests.filter((test) => test !== null);
  const corrected = CORRECTIONS[correction](there.map(({ p }) => p));
  there.forEach((test, i) => {
    test.corrected = corrected[i];
  });
}

function testPair(model: Measured, against: Measured, { confidence, scenarios, tasks, weights }: Options): ModelTests {
  const pairs = model.seeds.filter((seed) => against.seeds.includes(seed));
  /** Values of a model for the paired seeds. */
  const paired = <T>({ seeds }: Measured, values: readonly T[]): T[] =>
    pairs.map((seed) => values[seeds.indexOf(seed)]);
  const cells = scenarios.flatMap((scenario, s) =>
    tasks.map((task, t): CellTests => {
      const c = s * tasks.length + t;
      const [a, b] = [model, against].map((of) => ({
        aucs: paired(of, of.aucs[c]),
        placements: paired(of, of.placements[c]),
        resampled: paired(of, of.resampled[c]),
      }));
      return {
        scenario,
        task,
        delong: open(delong(a.placements, b.placements, confidence)),
        bootstrap: open(bootstrap(a, b, confidence)),
        seeds: open(overSeeds(a.aucs, b.aucs, confidence)),
      };
    }),
  );
  const macro = [model, against].map((of) => ({
    aucs: paired(
      of,
      of.seeds.map((_, i) =>
        weightedMean(
          of.aucs.map((cell) => cell[i]),
          weights,
        ),
      ),
    ),
    resampled: paired(
      of,
      of.seeds.map((_, i) => meanDraws(of, i, weights)),
    ),
  }));
  return {
    model: model.model.label,
    against: against.model.label,
    pairs,
    macro: {
      bootstrap: open(bootstrap(macro[0], macro[1], confidence)),
      seeds: open(overSeeds(macro[0].aucs, macro[1].aucs, confidence)),
    },
    cells,
  };
}

const open = (test: Test | undefined): CorrectedTest | null =>
  test === undefined ? null : { ...test, corrected: test.p };

function delong(a: (Placements | undefined)[], b: (Placements | undefined)[], confidence: number): Test | undefined {
  const [own, others] = [a, b].map((all) => all.filter((of) => of !== undefined));
  if (own.length === 0 || own.length < a.length || others.length < b.length) return undefined;
  return delongTest(meanPlacements(own), meanPlacements(others), confidence);
}

interface Sampled {
  aucs: (number | null)[];
  resampled: Float64Array[];
}

function bootstrap(a: Sampled, b: Sampled, confidence: number): Test | undefined {
  const difference = meanDifference(a.aucs, b.aucs);
  if (difference === undefined) return undefined;
  const resampled = a.resampled[0].map(
    (_, draw) => a.resampled.reduce((sum, own, i) => sum + own[draw] - b.resampled[i][draw], 0) / a.resampled.length,
  );
  return bootstrapTest(difference, resampled, confidence);
}

function overSeeds(a: (number | null)[], b: (number | null)[], confidence: number): Test | undefined {
  if (meanDifference(a, b) === undefined) return undefined;
  return pairedT(a as number[], b as number[], confidence);
}

/** Undefined where there is no pair, or one of the values is undefined. */
function meanDifference(a: (number | null)[], b: (number | null)[]): number | undefined {
  if (a.length === 0 || [...a, ...b].includes(null)) return undefined;
  return a.reduce<number>((sum, value, i) => sum + (value as number) - (b[i] as number), 0) / a.length;
}

/** Mean AUC over the cells that count and that a seed's model defines, in each draw. */
function meanDraws({ aucs, resampled }: Measured, seed: number, weights: readonly number[]): Float64Array {
  const cells = resampled.flatMap((cell, c) =>
    aucs[c][seed] === null || weights[c] === 0 ? [] : [{ draws: cell[seed], weight: weights[c] }],
  );
  if (cells.length === 0) return new Float64Array();
  const total = cells.reduce((sum, { weight }) => sum + weight, 0);
  return cells[0].draws.map(
    (_, draw) => cells.reduce((sum, { draws, weight }) => sum + weight * draws[draw], 0) / total,
  );
}
