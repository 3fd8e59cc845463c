/** Do intervals cover as often as they say, and are false alarms as rare? On 1,000 simulated sets each. */
import { describe, expect, test } from 'vitest';
import { type Random, random } from '../../../src/base/random.ts';
import { normalTwoSided } from '../../../src/evaluate/significance/distributions.ts';
import {
  bootstrapAuc,
  bootstrapTest,
  CORRECTIONS,
  delongTest,
  meanOf,
  type Placements,
  pairedT,
  placements,
  type Test,
} from '../../../src/evaluate/significance/index.ts';

const SETS = 1000;

const share = (of: (generator: Random, set: number) => boolean, name: string): number =>
  Array.from({ length: SETS }, (_, set) => Number(of(random(name, set), set))).reduce((sum, x) => sum + x) / SETS;

const covers = ({ low, high }: { low: number | null; high: number | null }, truth: number): boolean =>
  (low as number) <= truth && truth <= (high as number);

/** 95 % within what 1,000 sets can tell apart, and a little. */
function expectCoverage(found: number): void {
  expect(found).toBeGreaterThanOrEqual(0.93);
  expect(found).toBeLessThanOrEqual(0.97);
}

describe('95 % intervals', () => {
  test.each([2, 3, 5, 10])('of a mean over %d seeds', (seeds) => {
    const values = (generator: Random) => Array.from({ length: seeds }, () => 0.8 + 0.003 * generator.normal());
    expectCoverage(share((generator) => covers(meanOf(values(generator)), 0.8), `mean ${seeds}`));
  });

  test('of a paired difference over five seeds that share what a seed does', () => {
    expectCoverage(
      share((generator) => {
        const common = Array.from({ length: 5 }, () => 0.01 * generator.normal());
        const [a, b] = [0.81, 0.8].map((mean) => common.map((x) => mean + x + 0.002 * generator.normal()));
        return covers(pairedT(a, b) as Test, 0.01);
      }, 'paired'),
    );
  });

  /** Scores of two models whose errors correlate: normal in each class, so that the AUCs are known. */
  const scored = (generator: Random, rows: number, better: number) => {
    const labels = Array.from({ length: rows }, () => Number(generator.uniform() < 0.3));
    const common = labels.map(() => generator.normal());
    const scores = [1 + better, 1].map((shift) =>
      labels.map((label, i) => shift * label + 0.8 * common[i] + 0.6 * generator.normal()),
    );
    return { labels, scores };
  };
  /** Phi(shift / sqrt 2): the class distributions have variance 1. */
  const trueAuc = (shift: number): number => 1 - normalTwoSided(shift / Math.SQRT2) / 2;

  test.each([0, 0.4])('of a difference of AUCs by DeLong, models %d apart', (better) => {
    const truth = trueAuc(1 + better) - trueAuc(1);
    expectCoverage(
      share((generator) => {
        const { labels, scores } = scored(generator, 300, better);
        const [a, b] = scores.map((of) => placements(of, labels) as Placements);
        return covers(delongTest(a, b) as Test, truth);
      }, `delong ${better}`),
    );
  });

  test('of a difference of AUCs by bootstrap, rows of a group alike; DeLong, which takes rows for independent, covers less', () => {
    const groups = 100;
    const each = 3;
    const groupOf = Array.from({ length: groups * each }, (_, i) => Math.floor(i / each));
    let delong = 0;
    const found = share((generator, set) => {
      // Labels and one model's errors are mostly the group's: the other model's are each row's own.
      const people = Array.from({ length: groups }, () => [generator.normal(), generator.normal()]);
      const labels = groupOf.map((group) => Number(people[group][0] + 0.5 * generator.normal() > 0));
      const scores = [
        labels.map((label, i) => label + people[groupOf[i]][1]),
        labels.map((label) => label + generator.normal()),
      ];
      const [[a, b]] = bootstrapAuc([{ labels, groups: groupOf, scores }], { groups, resamples: 200, seed: set });
      const [first, second] = scores.map((of) => placements(of, labels) as Placements);
      delong += Number(covers(delongTest(first, second) as Test, 0));
      const test = bootstrapTest(
        first.auc - second.auc,
        a.map((x, i) => x - b[i]),
      );
      return covers(test as Test, 0); // both have the same distribution of scores in each class
    }, 'clusters');
    expectCoverage(found);
    expect(delong / SETS).toBeLessThan(0.9);
  });
});

describe('ten models that are as good as the baseline', () => {
  /** Their p values against it: they depend on each other, as in a comparison. */
  const pValues = (generator: Random): number[] => {
    const labels = Array.from({ length: 200 }, () => Number(generator.uniform() < 0.3));
    const scored = (): Placements =>
      placements(
        labels.map((label) => label + generator.normal()),
        labels,
      ) as Placements;
    const baseline = scored();
    return Array.from({ length: 10 }, () => (delongTest(scored(), baseline) as Test).p);
  };
  const sets = Array.from({ length: SETS }, (_, set) => pValues(random('null', set)));
  const alarms = (correction: keyof typeof CORRECTIONS): number =>
    sets.filter((p) => CORRECTIONS[correction](p).some((value) => value < 0.05)).length / SETS;
  /** Three standard errors above the level. */
  const most = 0.05 + 3 * Math.sqrt((0.05 * 0.95) / SETS);

  test('are told apart from it in at most one of twenty comparisons once corrected', () => {
    expect(alarms('holm')).toBeLessThan(most);
    expect(alarms('benjamini-hochberg')).toBeLessThan(most); // all hypotheses hold: any discovery is a false one
    expect(alarms('holm')).toBeGreaterThan(0.005);
  });

  test('without a correction one of them looks better or worse far more often', () => {
    expect(alarms('none')).toBeGreaterThan(0.15);
  });

  test('each by itself has an even p', () => {
    for (const level of [0.05, 0.5]) {
      const below = sets.flat().filter((p) => p < level).length / (10 * SETS);
      expect(Math.abs(below - level)).toBeLessThan(0.02);
    }
  });
});
