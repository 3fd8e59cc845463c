/**
 * Prepared rows as features of trees, for one task. A number is the bucket that preparation gave it, in order. A category with few
 * values stays one; one with many, and the values of a multi-value field, become the smoothed rate of the label among the training
 * rows that have the value. A training row sees the rate over the four fifths of the rows that it is not in: with its own label in
 * the rate, trees would read the label from it.
 */
import { random } from '../../base/random.ts';
import { PADDING_ID, type PreparedField, RESERVED_IDS, slotsOf } from '../../data/encode/ids.ts';
import type { FieldRows, LabelledRows } from '../rows.ts';
import type { Feature } from './contract.ts';

/** Categories that stay categories. */
const MAX_CATEGORIES = 32;
/** Bins of an ordered feature, the one for missing values apart. */
const MAX_BINS = 62;
const FOLDS = 5;
/** Rows at the mean rate that a category starts with. */
const PRIOR_ROWS = 20;

export interface TaskFeatures {
  features: Feature[];
  /** [size, F] bins of the training rows. */
  train: Uint8Array;
  /** [size, F] bins of other rows. */
  encode(rows: FieldRows): Uint8Array;
}

/** How one feature is computed. Ordered values become bins by `edges`. */
type Column =
  | { kind: 'categorical'; bins: number; categoryOf(rows: FieldRows, row: number): number }
  | { kind: 'ordered'; edges: Float64Array; numberOf(rows: FieldRows, row: number): number };

/** @param numbers [fields] the number of each id of a numeric field (NaN for reserved ids); undefined for others */
export function taskFeatures(
  fields: readonly PreparedField[],
  numbers: readonly (Float64Array | undefined)[],
  scenarios: number,
  train: LabelledRows,
  task: number,
): TaskFeatures {
  const slots = slotsOf(fields);
  const scenario: Column = { kind: 'categorical', bins: scenarios, categoryOf: (rows, row) => rows.scenario[row] };
  const bySet = scenarios > 1 && scenarios <= MAX_CATEGORIES;
  const names = bySet ? ['scenario'] : [];
  const columns: Column[] = bySet ? [scenario] : [];
  const trainValues: ((row: number) => number)[] = bySet ? [(row) => train.scenario[row]] : [];
  const folds = foldsOf(train.size);
  let slot = 0;
  for (const [f, field] of fields.entries()) {
    const place = { first: slot, slots };
    const own = numbers[f];
    slot += field.slots;
    names.push(field.name);
    if (own !== undefined) {
      const numberOf = (rows: FieldRows, row: number): number =>
        own[rows.ids[row * slots + place.first] - field.offset];
      columns.push(ordered(train.size, numberOf, (row) => numberOf(train, row)));
      trainValues.push((row) => numberOf(train, row));
    } else if (field.slots === 1 && field.size <= MAX_CATEGORIES) {
      const categoryOf = (rows: FieldRows, row: number): number => rows.ids[row * slots + place.first] - field.offset;
      columns.push({ kind: 'categorical', bins: field.size, categoryOf });
      trainValues.push((row) => categoryOf(train, row));
    } else {
      const rates = ratesOf(field, place, train, task, folds);
      columns.push(ordered(train.size, rates.numberOf, rates.trainNumberOf));
      trainValues.push(rates.trainNumberOf);
    }
  }
  const width = columns.length;
  const encode = (size: number, numberOf: (column: number, row: number) => number): Uint8Array => {
    const bins = new Uint8Array(size * width);
    for (const [c, column] of columns.entries())
      for (let row = 0; row < size; row++) bins[row * width + c] = binOf(column, numberOf(c, row));
    return bins;
  };
  return {
    features: columns.map((column, c) => ({
      name: names[c],
      kind: column.kind,
      bins: column.kind === 'ordered' ? column.edges.length + 2 : column.bins,
    })),
    train: encode(train.size, (c, row) => trainValues[c](row)),
    encode: (rows) => encode(rows.size, (c, row) => valueIn(columns[c], rows, row)),
  };
}

const valueIn = (column: Column, rows: FieldRows, row: number): number =>
  column.kind === 'ordered' ? column.numberOf(rows, row) : column.categoryOf(rows, row);

/** Of an ordered feature 0 where the value is missing, else 1 and how many edges are <= value. */
function binOf(column: Column, value: number): number {
  if (column.kind === 'categorical') return value;
  if (Number.isNaN(value)) return 0;
  let low = 0;
  let high = column.edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (column.edges[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low + 1;
}

/** Edges between the values of training rows: between all of them where they are few, else at quantiles. */
function ordered(
  size: number,
  numberOf: Extract<Column, { kind: 'ordered' }>['numberOf'],
  trainNumberOf: (row: number) => number,
): Column {
  const values = Float64Array.from({ length: size }, (_, row) => trainNumberOf(row))
    .filter((value) => !Number.isNaN(value))
    .sort();
  const distinct = values.filter((value, i) => i === 0 || value !== values[i - 1]);
  if (distinct.length <= MAX_BINS) return { kind: 'ordered', numberOf, edges: distinct.subarray(1) };
  const at = Array.from({ length: MAX_BINS - 1 }, (_, i) => values[Math.floor(((i + 1) * values.length) / MAX_BINS)]);
  return { kind: 'ordered', numberOf, edges: Float64Array.from(new Set(at.filter((edge) => edge > values[0]))) };
}

/** [N] in which fifth of the rows each one is. */
function foldsOf(rows: number): Uint8Array {
  const draw = random('yardsticks', 'folds');
  return Uint8Array.from({ length: rows }, () => draw.below(FOLDS));
}

interface Rates {
  numberOf(rows: FieldRows, row: number): number;
  trainNumberOf(row: number): number;
}

/** Mean over a row's values of the smoothed rate of the label, NaN without a value. */
function ratesOf(
  field: PreparedField,
  { first, slots }: { first: number; slots: number },
  train: LabelledRows,
  task: number,
  folds: Uint8Array,
): Rates {
  const tasks = train.labels.length / Math.max(1, train.size);
  const { size: levels } = field;
  // [level, fold]
  const positives = new Float64Array(levels * FOLDS);
  const counts = new Float64Array(levels * FOLDS);
  let [positive, counted] = [0.5, 1];
  for (let row = 0; row < train.size; row++) {
    const label = train.labels[row * tasks + task];
    if (Number.isNaN(label)) continue;
    positive += label;
    counted++;
    for (let s = first; s < first + field.slots; s++) {
      const level = train.ids[row * slots + s] - field.offset;
      positives[level * FOLDS + folds[row]] += label;
      counts[level * FOLDS + folds[row]]++;
    }
  }
  const prior = positive / counted;
  /** Rate of a level over the rows outside of a fold; over all rows for fold -1. */
  const rateOf = (level: number, fold: number): number => {
    let sum = prior * PRIOR_ROWS;
    let count = PRIOR_ROWS;
    for (let k = 0; k < FOLDS; k++) {
      if (k === fold) continue;
      sum += positives[level * FOLDS + k];
      count += counts[level * FOLDS + k];
    }
    return sum / count;
  };
  const unseen = Float64Array.from({ length: levels * FOLDS }, (_, i) => rateOf(Math.floor(i / FOLDS), i % FOLDS));
  const known = Float64Array.from({ length: levels }, (_, level) => rateOf(level, -1));
  const meanOf = (rows: FieldRows, row: number, rate: (level: number) => number): number => {
    let sum = 0;
    let count = 0;
    for (let s = first; s < first + field.slots; s++) {
      const level = rows.ids[row * slots + s] - field.offset;
      if (level === PADDING_ID) continue;
      sum += rate(level);
      count++;
    }
    return count === 0 ? Number.NaN : sum / count;
  };
  return {
    numberOf: (rows, row) => meanOf(rows, row, (level) => known[level]),
    trainNumberOf: (row) => meanOf(train, row, (level) => unseen[level * FOLDS + folds[row]]),
  };
}

/** The numbers of the ids of a number or a rate, from its tokens; undefined for fields without an order. */
export async function numbersOf(
  { name, kind, size }: PreparedField,
  tokensOf: (field: string) => Promise<readonly string[]>,
): Promise<Float64Array | undefined> {
  if (kind !== 'numeric' && kind !== 'rate') return undefined;
  const tokens = await tokensOf(name);
  return Float64Array.from({ length: size }, (_, id) => (id < RESERVED_IDS ? Number.NaN : Number(tokens[id])));
}
