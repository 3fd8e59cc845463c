/**
 * Logistic regression on one-hot ids, and on each id together with its scenario, hashed into one table per task: what
 * advertising systems ran for a decade (H. B. McMahan et al.: Ad Click Prediction, KDD 2013, section 3.1, without L1). It
 * goes over the rows until the log loss of validation rows no longer falls.
 */
import { random, shuffle } from '../base/random.ts';
import type { PreparedField } from '../data/encode/ids.ts';
import { firstSlots, PADDING_ID, slotsOf } from '../data/encode/ids.ts';
import { sigmoid, softplus } from '../evaluate/index.ts';
import type { Yardstick } from './contract.ts';
import type { FieldRows, LabelledRows } from './rows.ts';

const LEARNING_RATE = 0.1;
/** Keeps the first steps of rare ids small (their equation of per-coordinate rates). */
const BETA = 1;
const L2 = 1e-5;
const EPOCHS = 8;
/** Entries of a table at most, 2^n. */
const MAX_BITS = 22;

interface Table {
  weights: Float32Array;
  /** Sum of squared gradients of each weight. */
  squares: Float32Array;
  bias: Float64Array;
  biasSquares: Float64Array;
}

/** @param reads the fields that it sees; default: all */
export function fitLogistic(
  fields: readonly PreparedField[],
  { scenarios, tasks, tableRows }: { scenarios: number; tasks: number; tableRows: number },
  train: LabelledRows,
  validation: LabelledRows,
  reads: (field: PreparedField) => boolean = () => true,
): Yardstick {
  const features = featuresOf(fields, scenarios, tableRows, reads);
  const tables = Array.from({ length: tasks }, (_, task) =>
    fitTask(features, scenarios, tasks, task, train, validation),
  );
  return {
    key: 'logistic',
    logits(rows) {
      const logits = new Float32Array(rows.size * tasks);
      for (let row = 0; row < rows.size; row++) {
        features.read(rows, row);
        for (let t = 0; t < tasks; t++) logits[row * tasks + t] = logitOf(tables[t], features, rows.scenario[row]);
      }
      return logits;
    },
  };
}

/** The features of the row that was read last: entries of a table, each with the share of its field's values. */
interface Features {
  size: number;
  entries: Int32Array;
  values: Float32Array;
  count: number;
  read(rows: FieldRows, row: number): void;
}

function featuresOf(
  fields: readonly PreparedField[],
  scenarios: number,
  tableRows: number,
  reads: (field: PreparedField) => boolean,
): Features {
  const slots = slotsOf(fields);
  const [firsts, read] = [firstSlots(fields), fields.map(reads)];
  const wanted = Math.ceil(Math.log2(2 * tableRows * (1 + scenarios)));
  const size = 2 ** Math.min(MAX_BITS, wanted);
  const found: Features = {
    size,
    entries: new Int32Array(2 * slots),
    values: new Float32Array(2 * slots),
    count: 0,
    read({ ids, scenario }, row) {
      found.count = 0;
      fields.forEach((field, f) => {
        if (!read[f]) return;
        const slot = row * slots + firsts[f];
        let values = 0;
        for (let s = 0; s < field.slots; s++)
          if (ids[slot + s] - field.offset !== PADDING_ID || field.slots === 1) values++;
        for (let s = 0; s < field.slots; s++) {
          const id = ids[slot + s];
          if (id - field.offset === PADDING_ID && field.slots > 1) continue;
          for (const crossed of [0, 1 + scenario[row]]) {
            found.entries[found.count] = hash(id, crossed) & (size - 1);
            found.values[found.count++] = 1 / values;
          }
        }
      });
    },
  };
  return found;
}

function hash(id: number, scenario: number): number {
  let x = Math.imul(id + 1, 0x9e3779b1) ^ Math.imul(scenario + 1, 0x85ebca77);
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  return (x ^ (x >>> 13)) >>> 0;
}

function fitTask(
  features: Features,
  scenarios: number,
  tasks: number,
  task: number,
  train: LabelledRows,
  validation: LabelledRows,
): Table {
  const rows = labelled(train, tasks, task);
  const watched = labelled(validation, tasks, task);
  const table: Table = {
    weights: new Float32Array(features.size),
    squares: new Float32Array(features.size),
    bias: priors(train, rows, scenarios, tasks, task),
    biasSquares: new Float64Array(scenarios),
  };
  let best = { loss: lossOf(table, features, validation, watched, tasks, task), table: copy(table) };
  for (let epoch = 1; epoch <= EPOCHS; epoch++) {
    shuffle(rows, random('yardsticks', 'logistic', epoch));
    runEpoch(table, features, train, rows, tasks, task);
    if (watched.length === 0) {
      if (epoch === 2) return table;
      continue;
    }
    const loss = lossOf(table, features, validation, watched, tasks, task);
    if (loss >= best.loss) break;
    best = { loss, table: copy(table) };
  }
  return best.table;
}

const copy = (table: Table): Table => ({ ...table, weights: table.weights.slice(), bias: table.bias.slice() });

function labelled({ size, labels }: LabelledRows, tasks: number, task: number): Int32Array {
  return Int32Array.from({ length: size }, (_, row) => row).filter((row) => !Number.isNaN(labels[row * tasks + task]));
}

/** [S] logit of the rate of a task in each scenario, by the weights of rows, with half a row more in each class. */
function priors(
  { labels, scenario, weight }: LabelledRows,
  rows: Int32Array,
  scenarios: number,
  tasks: number,
  task: number,
): Float64Array {
  const [positive, all] = [new Float64Array(scenarios).fill(0.5), new Float64Array(scenarios).fill(1)];
  for (const row of rows) {
    positive[scenario[row]] += weight[row] * labels[row * tasks + task];
    all[scenario[row]] += weight[row];
  }
  return positive.map((sum, s) => Math.log(sum / (all[s] - sum)));
}

function logitOf({ weights, bias }: Table, { entries, values, count }: Features, scenario: number): number {
  let logit = bias[scenario];
  for (let i = 0; i < count; i++) logit += weights[entries[i]] * values[i];
  return logit;
}

function runEpoch(
  table: Table,
  features: Features,
  rows: LabelledRows,
  order: Int32Array,
  tasks: number,
  task: number,
): void {
  const { weights, squares, bias, biasSquares } = table;
  const { entries, values } = features;
  for (const row of order) {
    features.read(rows, row);
    const scenario = rows.scenario[row];
    const p = sigmoid(logitOf(table, features, scenario));
    const slope = rows.weight[row] * (p - rows.labels[row * tasks + task]);
    for (let i = 0; i < features.count; i++) {
      const at = entries[i];
      const gradient = slope * values[i] + L2 * weights[at];
      squares[at] += gradient * gradient;
      weights[at] -= (LEARNING_RATE * gradient) / (BETA + Math.sqrt(squares[at]));
    }
    biasSquares[scenario] += slope * slope;
    bias[scenario] -= (LEARNING_RATE * slope) / (BETA + Math.sqrt(biasSquares[scenario]));
  }
}

function lossOf(
  table: Table,
  features: Features,
  rows: LabelledRows,
  order: Int32Array,
  tasks: number,
  task: number,
): number {
  let sum = 0;
  for (const row of order) {
    features.read(rows, row);
    const logit = logitOf(table, features, rows.scenario[row]);
    sum += softplus(rows.labels[row * tasks + task] === 1 ? -logit : logit);
  }
  return sum / order.length;
}
