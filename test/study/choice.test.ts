/** The automatic choice of a model: what a budget pays for, the rule, and its words. */
import { expect, test } from 'vitest';
import { seconds } from '../../src/cli/options.ts';
import type { ChoiceDocument, TriedCandidate } from '../../src/documents/choice.ts';
import type { GridJson } from '../../src/documents/grid.ts';
import { choiceMarkdown, choiceText } from '../../src/report/choice.ts';
import { bestOf, decide, type Measured } from '../../src/study/choose/decide.ts';
import { budgetOf, type Candidate, type DataSizes, planTrials } from '../../src/study/choose/plan.ts';

const SIZES: DataSizes = { rows: 100_000, slots: 20, fields: 20, tasks: 2 };
const small: Candidate = {
  model: 'small',
  multiplyAdds: 100_000,
  batchSize: 500,
  searchEpochs: 0,
  keptEpochs: 0,
  testsFlows: false,
};
const large: Candidate = { ...small, model: 'large', multiplyAdds: 1_000_000 };
const search: Candidate = { ...small, model: 'search', searchEpochs: 3, keptEpochs: 2 };

test('the weights of all candidates see the same number of training rows; what a search rewinds comes on top', () => {
  const { tried, leftOut } = planTrials([small, large, search], [], SIZES, 300);
  expect(leftOut).toEqual([]);
  expect(tried[0].steps).toBe(tried[1].steps);
  expect(tried[2].steps).toBe(tried[0].steps + 200);
  expect(tried[0].passes).toBe(tried[0].steps / 200);
  const spent = tried.reduce((sum, { price }) => sum + price, 0);
  expect(spent).toBeLessThanOrEqual(300);
  expect(spent).toBeGreaterThan(290);
});

test('where rows would be too few, the most expensive candidates are left out; the first one stays', () => {
  const plan = (budget: number, rows = SIZES.rows): string[] =>
    planTrials([small, large, search], [], { ...SIZES, rows }, budget).tried.map(({ model }) => model);
  expect(plan(300)).toEqual(['small', 'large', 'search']);
  expect(plan(40)).toEqual(['small', 'search']);
  expect(plan(20)).toEqual(['small']);
  expect(plan(300, 10_000_000)).toEqual(['small', 'large']); // a search of all rows costs more than the larger model
  expect(plan(0.001)).toEqual(['small']);
  const [left] = planTrials([small, large], [], SIZES, 20).leftOut;
  expect(left).toEqual({ model: 'large', price: expect.closeTo(0.5 + 3 * 100_000 * (20 * 7e-7 + 1e6 * 1.5e-10), 6) });
  // Of many rows a few passes need not be paid: so many rows are enough.
  expect(planTrials([small, large], [], { ...SIZES, rows: 100_000_000 }, 130).tried).toHaveLength(2);
});

test('a flow test is paid with the short trainings that choose a structure', () => {
  const price = (candidate: Candidate): number => planTrials([candidate], [], SIZES, 0).tried[0].price;
  const perRow = 20 * 7e-7 + 1e5 * 1.5e-10;
  const test = 5e-6 * 100_000 * 20 + 1200 * 500 * perRow;
  expect(price({ ...small, testsFlows: true }) - price(small)).toBeCloseTo(test, 9);
});

test('yardsticks are paid first, but not with most of the budget', () => {
  const keys = ['priors', 'logistic', 'trees'] as const;
  const all = planTrials([small, large], keys, SIZES, 300);
  expect([all.yardsticks, all.yardsticksLeftOut]).toEqual([keys, []]);
  const few = planTrials([small, large], keys, SIZES, 20);
  expect([few.yardsticks, few.yardsticksLeftOut]).toEqual([['priors', 'logistic'], ['trees']]);
  const usual = budgetOf(SIZES);
  expect(usual).toBeCloseTo(2 * 100_000 * 2 * 20 * (2.8e-6 + 3e-7 + 3e-8), 9);
  expect(planTrials([small, large], keys, SIZES, usual).yardsticks).toEqual(keys);
  expect(budgetOf({ ...SIZES, rows: 10_000 })).toBe(20); // where a second candidate costs little
  expect(all.tried[0].steps).toBeLessThan(planTrials([small, large], [], SIZES, 300).tried[0].steps);
});

test('the choice is the best, unless a cheaper one is as good', () => {
  const of = (model: string, multiplyAdds: number, auc: number): Measured => ({ model, multiplyAdds, auc });
  const choose = (first: number, second: number, standardError: number): string => {
    const candidates = [of('small', 10, first), of('large', 30, second)] as [Measured, Measured];
    return decide(candidates, (one, best) => ({ difference: one.auc - best.auc, standardError })).because;
  };
  expect(choose(0.71, 0.7, 0.003)).toBe('best');
  expect(choose(0.7, 0.7015, 0.003)).toBe('cheaper'); // within the standard error, and little
  expect(choose(0.7, 0.7015, 0.001)).toBe('best'); // beyond it
  expect(choose(0.7, 0.704, 0.01)).toBe('best'); // within it, but not little
  expect(choose(0.7, 0.7, 0)).toBe('best');
  expect(bestOf([of('a', 1, 0.7), of('b', 2, 0.7)]).model).toBe('a');
  const alone = decide([of('small', 10, 0.7)], () => undefined);
  expect(alone).toEqual({ model: 'small', because: 'only' });
  // The cheapest of those that are as good.
  const three: [Measured, ...Measured[]] = [of('b', 20, 0.7), of('a', 10, 0.7), of('c', 30, 0.701)];
  const behind = (one: Measured, best: Measured) => ({ difference: one.auc - best.auc, standardError: 0.01 });
  expect(decide(three, behind)).toEqual({ model: 'a', because: 'cheaper' });
});

test('times are read with their unit', () => {
  expect(['90s', '2m', '1.5h'].map(seconds)).toEqual([90, 120, 5400]);
  for (const text of ['', '2', 'm', '2 m', '0s', '-1m', '2min', '1e3s', 'Infinitys'])
    expect(() => seconds(text), text).toThrow('Expected a time above 0 with its unit, like 90s, 2m, 12h or 30d.');
});

const grid = (auc: number): GridJson => ({ cells: [], macro: { auc, logloss: 0.2 } }) as never;

const tried = (model: string, multiplyAdds: number, auc: number, behind: number | null): TriedCandidate => ({
  model,
  denseParameters: multiplyAdds,
  multiplyAdds,
  steps: 100,
  passes: 3.24,
  ended: false,
  price: 10,
  seconds: 12,
  grid: grid(auc),
  behind:
    behind === null ? null : { difference: behind, standardError: 0.003, low: behind - 0.006, high: behind + 0.006 },
});

const CHOICE: ChoiceDocument = {
  schema: 'choice/1',
  data: 'shop',
  dataHash: 'abc',
  seed: 1,
  budget: 120,
  rows: { train: 120_000, validation: 15_000 },
  chosen: 'shared-bottom',
  because: 'cheaper',
  candidates: [tried('shared-bottom', 80_000, 0.7, -0.0012), tried('mmoe', 280_000, 0.7012, null)],
  leftOut: [
    { model: 'autoifs', because: 'budget', price: 45 },
    { model: 'streams', because: 'flows' },
  ],
  yardsticks: {
    measured: [{ key: 'trees', grid: grid(0.71) }],
    margin: { against: 'trees', difference: -0.01, low: -0.015, high: -0.005 },
  },
  yardsticksLeftOut: ['trees'],
  seconds: 61,
};

test('the choice in words', () => {
  expect(choiceText(CHOICE)).toMatchInlineSnapshot(`
    "
    candidate               mean AUC  log loss      behind the best [95 %]  parameters  trained     time
    shared-bottom (chosen)    0.7000    0.2000  -0.0012 [-0.0072, +0.0048]      80,000  3.2 passes  12 s
    mmoe                      0.7012    0.2000                           -     280,000  3.2 passes  12 s

    Chosen: shared-bottom. mmoe is ahead by 0.0012 only (one standard error: 0.0030), and takes 3.5 times as many multiply-adds to score a row.
    On validation rows, the model does not beat the best yardstick: it is worse than boosted trees (mean AUC -0.0100, 95 % interval -0.0150 to -0.0050).
    Not tried, for lack of budget: autoifs. It would take about 45 s more.
    Not tried: streams. The flow test found nothing that it could leave out.
    Not fitted, for lack of budget: boosted trees.
    "
  `);
  const page = choiceMarkdown(CHOICE).join('\n');
  expect(page).toContain('Budget 2 min 0 s of processor time, seed 1; it took 1 min 1 s.');
  expect(choiceText({ ...CHOICE, because: 'best', chosen: 'mmoe' })).toContain(
    'Chosen: mmoe. It has the highest mean AUC of validation rows, 0.7012.',
  );
  const alone = choiceText({ ...CHOICE, because: 'only', candidates: [] });
  expect(alone).toContain(
    'Taken without a comparison: shared-bottom. Reason: a budget of 2 min 0 s pays for no second candidate.',
  );
});
