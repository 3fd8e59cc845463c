/**
 * What a budget pays for. A budget is processor time by prices, not by a clock: the same data, seed and budget give the same choice on
 * any machine, however busy it is.
 *
 * The weights of every candidate see the same number of training rows: as many as what is left of the budget after yardsticks, flow tests
 * and searches pays for. Where that is less than enough, the most expensive candidate is left out. The first one always stays.
 */
import { YARDSTICKS, type YardstickKey } from '../../yardsticks/contract.ts';

/** Seconds of processor time on the reference machine (docs/training.md), measured on the recipe `shop` and MovieLens 1M. */
const PRICES = {
  /** Of a trial before its first step: graphs and sessions. */
  trial: 0.5,
  /** Of training on a row: for each of its slots, and for each multiply-add of scoring it. */
  slot: 7e-7,
  multiplyAdd: 1.5e-10,
  /** Of a flow test, for each row and field of at most `TESTED_ROWS`. */
  flowTest: 5e-6,
  /** Of fitting a yardstick, for each row, task and field. */
  yardstick: { priors: 3e-8, logistic: 3e-7, trees: 2.8e-6 } satisfies Record<YardstickKey, number>,
};
const TESTED_ROWS = 200_000;
/** The choice of a structure by short trainings (src/train/structure/choose.ts): steps that it takes as a rule, and rows of each at most. */
const STRUCTURES = { steps: 1200, batchSize: 512 };
/** Rows that yardsticks read at most. */
const FITTED_ROWS = 1_000_000;
/** A candidate that has seen fewer rows, and fewer passes over the training rows, says little. */
const ENOUGH = { rows: 500_000, passes: 3 };
/** No training that stops early goes on for longer. */
const MOST_PASSES = 1000;
/** More of the budget is not spent on yardsticks. */
const YARDSTICK_SHARE = 0.5;
/** Seconds of a budget for which none is given, at least. */
const SMALLEST_BUDGET = 20;

/** Sizes of the data. */
export interface DataSizes {
  /** Training rows. */
  rows: number;
  slots: number;
  fields: number;
  tasks: number;
}

export interface Candidate {
  model: string;
  /** To score a row. */
  multiplyAdds: number;
  batchSize: number;
  /** Epochs before the phase that is validated, and those of them that its weights go through (the rest is rewound). */
  searchEpochs: number;
  keptEpochs: number;
  /** Is its structure tested for first? */
  testsFlows: boolean;
}

export interface Plan {
  tried: (Candidate & { steps: number; passes: number; price: number })[];
  leftOut: { model: string; price: number }[];
  yardsticks: YardstickKey[];
  yardsticksLeftOut: YardstickKey[];
}

/** @param budget seconds */
export function planTrials(
  candidates: readonly Candidate[],
  yardsticks: readonly YardstickKey[],
  sizes: DataSizes,
  budget: number,
): Plan {
  const paid = paidYardsticks(yardsticks, sizes, YARDSTICK_SHARE * budget);
  const left = budget - sum(paid.map((key) => yardstickPrice(key, sizes)));
  const enough = Math.min(ENOUGH.rows, ENOUGH.passes * sizes.rows);
  const price = (candidate: Candidate): number => trial(candidate, sizes, enough).price;
  let tried = candidates;
  while (tried.length > 1 && rowsEach(tried, sizes, left) < enough) {
    const [, ...others] = tried;
    const dearest = others.reduce((one, other) => (price(other) >= price(one) ? other : one));
    tried = tried.filter((candidate) => candidate !== dearest);
  }
  const rows = Math.max(enough, rowsEach(tried, sizes, left));
  return {
    tried: tried.map((candidate) => trial(candidate, sizes, rows)),
    leftOut: candidates
      .filter((candidate) => !tried.includes(candidate))
      .map((candidate) => ({ model: candidate.model, price: price(candidate) })),
    yardsticks: paid,
    yardsticksLeftOut: yardsticks.filter((key) => !paid.includes(key)),
  };
}

/** The most training rows that each candidate can see. Prices rise with them, so halving finds them. */
function rowsEach(candidates: readonly Candidate[], sizes: DataSizes, budget: number): number {
  const isPaid = (rows: number): boolean =>
    sum(candidates.map((candidate) => trial(candidate, sizes, rows).price)) <= budget;
  let [paid, unpaid] = [0, sizes.rows];
  while (isPaid(unpaid) && unpaid < MOST_PASSES * sizes.rows) [paid, unpaid] = [unpaid, 2 * unpaid];
  for (let i = 0; i < 40; i++) {
    const middle = (paid + unpaid) / 2;
    if (isPaid(middle)) paid = middle;
    else unpaid = middle;
  }
  return paid;
}

/** The steps of a candidate whose weights see so many rows, and what it costs. After a search at least one epoch follows. */
function trial(candidate: Candidate, sizes: DataSizes, rows: number) {
  const { batchSize, searchEpochs, keptEpochs, testsFlows } = candidate;
  const perRow = rowPrice(candidate, sizes);
  const perEpoch = Math.ceil(sizes.rows / batchSize);
  const epochs = searchEpochs === 0 ? rows / sizes.rows : Math.max(1, rows / sizes.rows - keptEpochs);
  const steps = Math.max(1, searchEpochs * perEpoch + Math.floor(epochs * perEpoch));
  const passes = steps / perEpoch;
  const structures = STRUCTURES.steps * Math.min(STRUCTURES.batchSize, batchSize) * perRow;
  const test = testsFlows ? PRICES.flowTest * Math.min(TESTED_ROWS, sizes.rows) * sizes.fields + structures : 0;
  return { ...candidate, steps, passes, price: PRICES.trial + test + passes * sizes.rows * perRow };
}

const rowPrice = ({ multiplyAdds }: Candidate, { slots }: DataSizes): number =>
  PRICES.slot * slots + PRICES.multiplyAdd * multiplyAdds;

/** The first of them that so many seconds pay for. */
function paidYardsticks(keys: readonly YardstickKey[], sizes: DataSizes, seconds: number): YardstickKey[] {
  let spent = 0;
  return keys.filter((key) => {
    spent += yardstickPrice(key, sizes);
    return spent <= seconds;
  });
}

const yardstickPrice = (key: YardstickKey, { rows, tasks, fields }: DataSizes): number =>
  PRICES.yardstick[key] * Math.min(FITTED_ROWS, rows) * tasks * fields;

/**
 * The budget of a choice for which none is given, in seconds: yardsticks take half of it, or less on small data, where a second candidate
 * costs little. docs/reproduction.md has what a whole training takes then, next to boosted trees alone.
 */
export const budgetOf = (sizes: DataSizes): number =>
  Math.max(SMALLEST_BUDGET, sum(YARDSTICKS.map((key) => yardstickPrice(key, sizes))) / YARDSTICK_SHARE);

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
