/**
 * What a budget pays for. A budget is processor time by prices, not by a clock: the same data, seed and budget give the same choice on
 * any machine, however busy it is.
 *
 * Every candidate sees the same number of training rows: what is left of the budget after yardsticks and flow tests, divided by the sum
 * of their prices. Where that is less than enough, the last candidate is left out. The first one always stays.
 */
import type { YardstickKey } from '../../yardsticks/contract.ts';

/** Seconds of processor time on the reference machine (docs/training.md), measured on the recipe `shop` and MovieLens 1M. */
const PRICES = {
  /** Of a trial before its first step: graphs and sessions. */
  trial: 0.5,
  /** Of training on a row: for each of its slots, and for each multiply-add of scoring it. */
  slot: 1.3e-6,
  multiplyAdd: 1.5e-10,
  /** Of a flow test and the choice of a structure, for each row and field of at most `TESTED_ROWS`. */
  flowTest: 5e-6,
  /** Of fitting a yardstick, for each row and task. */
  yardstick: { priors: 5e-7, logistic: 5e-6, trees: 5e-5 } satisfies Record<YardstickKey, number>,
};
const TESTED_ROWS = 200_000;
/** Rows that yardsticks read at most. */
const FITTED_ROWS = 1_000_000;
/** A candidate that has seen fewer rows, and fewer passes over the training rows, says little. */
const ENOUGH = { rows: 500_000, passes: 3 };
/** More of the budget is not spent on yardsticks. */
const YARDSTICK_SHARE = 0.4;

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
  /** Epochs before the phase that is validated. */
  searchEpochs: number;
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
  let count = candidates.length;
  while (count > 1 && rowsEach(candidates.slice(0, count), sizes, left) < enough) count--;
  const rows = Math.max(enough, rowsEach(candidates.slice(0, count), sizes, left));
  return {
    tried: candidates.slice(0, count).map((candidate) => trial(candidate, sizes, rows)),
    leftOut: candidates.slice(count).map((candidate) => ({
      model: candidate.model,
      price: trial(candidate, sizes, enough).price,
    })),
    yardsticks: paid,
    yardsticksLeftOut: yardsticks.filter((key) => !paid.includes(key)),
  };
}

/** Training rows that each candidate sees in its last phase. */
function rowsEach(candidates: readonly Candidate[], sizes: DataSizes, budget: number): number {
  const fixed = sum(candidates.map((candidate) => trial(candidate, sizes, 0).price));
  return (budget - fixed) / sum(candidates.map((candidate) => rowPrice(candidate, sizes)));
}

/** The steps of a candidate that sees so many rows in its last phase, and what it costs. */
function trial(candidate: Candidate, sizes: DataSizes, rows: number) {
  const { batchSize, searchEpochs, testsFlows } = candidate;
  const perEpoch = Math.ceil(sizes.rows / batchSize);
  const steps = Math.max(1, searchEpochs * perEpoch + Math.floor((rows / sizes.rows) * perEpoch));
  const passes = steps / perEpoch;
  const test = testsFlows ? PRICES.flowTest * Math.min(TESTED_ROWS, sizes.rows) * sizes.fields : 0;
  return { ...candidate, steps, passes, price: PRICES.trial + test + passes * sizes.rows * rowPrice(candidate, sizes) };
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

const yardstickPrice = (key: YardstickKey, { rows, tasks }: DataSizes): number =>
  PRICES.yardstick[key] * Math.min(FITTED_ROWS, rows) * tasks;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
