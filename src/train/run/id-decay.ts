/**
 * How strongly the embeddings of ids should decay, from the data (ours). An id that is seen twice tells little about itself, and its
 * row is soon learned by heart; an id that is seen a thousand times is worth its row. The reliability of a field is the share of
 * what its levels show that is not chance:
 *
 *   r = sum over a level's rows of (y - p)      v = sum of p (1 - p)
 *   tau2 = sum (r^2 - v) / sum (v^2 - sum v_i^2)
 *   rho = share^2 v tau2 / (1 + v tau2) at the mean v      decay = min(60, max(2, ((1 - rho) / rho)^2))
 *
 * p is what the fields without ids say of a row, by the logistic regression of the yardsticks. So tau2 is the variance, on the logit, of
 * what the levels add to them: where title and brand explain the labels of an item, its row can only learn chance. rho is the mean over
 * tasks; (1 - rho) / rho is how much chance there is to what is not.
 *
 * `share` is that of validation rows whose level training rows know, relative to that among training rows. It is squared: what is
 * learned of an id that does not come again is of no use, and other fields learn less while it explains their labels (users of
 * MovieLens 100K by time: six of seven come for the first time, and their zip codes stand for them). Labels of validation rows only
 * say when the regression stops.
 *
 * The limits and the exponent come from runs on shops, synthetic worlds, MovieLens 100K and 1M with at most 235 steps in an epoch;
 * docs/reproduction.md says which, and how the rule does on others. What counts is how much of a row is left when its id comes again,
 * so where an epoch has more steps each takes less: decay 235 / steps (reasoned, not measured).
 */
import type { SplitName } from '../../config/dataset.ts';
import type { RunConfig } from '../../config/run.ts';
import { firstSlots, PADDING_ID, type PreparedField, RESERVED_IDS, slotsOf } from '../../data/encode/ids.ts';
import type { PreparedData, SplitReader } from '../../data/prepared/prepared.ts';
import { sigmoid } from '../../evaluate/index.ts';
import { openPart } from '../../inference/model/run-data.ts';
import type { Yardstick } from '../../yardsticks/contract.ts';
import { fitLogistic } from '../../yardsticks/logistic.ts';
import { readRows } from '../../yardsticks/rows.ts';

/** Fields with fewer levels do not decay unless the configuration names them: that of brands and words did harm on a shop. */
const MIN_LEVELS = 500;
/** The weakest and the strongest decay with at most `STEPS` in an epoch. */
const [WEAKEST, STRONGEST] = [2, 60];
const STEPS = 235;
/** Rows that the regression on fields without ids learns from and is stopped by: those fields have few values. */
const REGRESSION_ROWS = { train: 200_000, validation: 50_000 };
const BATCH_ROWS = 16_384;

/** Has the field so many values that they are ids? */
export const hasIds = ({ size }: Pick<PreparedField, 'size'>): boolean => size - RESERVED_IDS >= MIN_LEVELS;

/** Of a field in a run with `steps` in an epoch. */
export function decayOf(reliability: number, steps: number): number {
  const found = ((1 - reliability) / reliability) ** 2; // infinite where nothing is reliable
  return Math.min(STRONGEST, Math.max(WEAKEST, found)) * Math.min(1, STEPS / steps);
}

/** The configuration with a number for each field that decays. */
export async function withIdDecay(config: RunConfig, data: PreparedData): Promise<RunConfig> {
  const { idDecay } = config.train;
  if (typeof idDecay === 'object' || idDecay === 'off') return config;
  const fields = data.manifest.fields.filter(hasIds);
  const { learningRate, retrain, batchSize } = config.train;
  const steps = Math.ceil(data.manifest.splits.train.rows / batchSize);
  const limit = 0.5 / Math.max(learningRate, retrain.learningRate ?? 0); // no step takes more than half of a row
  const found =
    idDecay === 'auto'
      ? await reliabilities(data, fields, config.train).then((all) =>
          all.map((rho) => Math.min(limit, decayOf(rho, steps))),
        )
      : fields.map(() => idDecay);
  const named = Object.fromEntries(fields.map(({ name }, i) => [name, Number(found[i].toPrecision(4))]));
  return { ...config, train: { ...config.train, idDecay: named } };
}

/** Reliability of each field, from 0 (chance or ids that do not come again) to 1, on the rows that a run learns from and validates on. */
async function reliabilities(
  data: PreparedData,
  fields: readonly PreparedField[],
  part: Pick<RunConfig['train'], 'scenarios' | 'tasks'>,
): Promise<number[]> {
  if (fields.length === 0) return [];
  const { tasks, fields: all } = data.manifest;
  const read = async <T>(split: SplitName, use: (reader: SplitReader) => Promise<T>): Promise<T> => {
    const reader = await openPart(data, split, part);
    return use(reader).finally(() => reader.close());
  };
  const again = await read('validation', (reader) => knownShares(reader, all, fields));
  const others = await withoutIds(data, part);
  return read('train', async (reader) => {
    const known = await knownShares(reader, all, fields);
    const sums = await levelSums(reader, others, tasks.length, all, fields);
    return sums.map((ofTasks, f) => {
      const found = ofTasks.map(reliability).filter((rho) => rho !== undefined);
      if (found.length === 0) return 0;
      const share = Math.min(1, again[f] / known[f]);
      return (share ** 2 * found.reduce((sum, rho) => sum + rho, 0)) / found.length;
    });
  });
}

/** Of each field: the share of its values that are in the vocabulary. */
async function knownShares(
  reader: SplitReader,
  all: readonly PreparedField[],
  fields: readonly PreparedField[],
): Promise<number[]> {
  const slots = slotsOf(all);
  const places = placesOf(fields, all);
  const [known, values] = [new Float64Array(fields.length), new Float64Array(fields.length)];
  for await (const { size, ids } of reader.batches({ batchSize: BATCH_ROWS }))
    for (let row = 0; row < size; row++)
      fields.forEach(({ offset, slots: own }, f) => {
        const from = row * slots + places[f];
        for (let i = from; i < from + own; i++) {
          const level = ids[i] - offset;
          if (level !== PADDING_ID) values[f]++;
          if (level >= RESERVED_IDS) known[f]++;
        }
      });
  return fields.map((_, f) => (values[f] === 0 ? 0 : known[f] / values[f]));
}

/** The first slot of each of the fields in a row. */
function placesOf(fields: readonly PreparedField[], all: readonly PreparedField[]): number[] {
  const firsts = firstSlots(all);
  return fields.map((field) => firsts[all.indexOf(field)]);
}

/** What the scenario and the fields without ids say of a row. A rate of an id is that id in other words: it says nothing here. */
async function withoutIds(
  data: PreparedData,
  part: Pick<RunConfig['train'], 'scenarios' | 'tasks'>,
): Promise<Yardstick> {
  const { scenarios, tasks, fields } = data.manifest;
  const [train, validation] = [
    await readRows(await openPart(data, 'train', part), REGRESSION_ROWS.train),
    await readRows(await openPart(data, 'validation', part), REGRESSION_ROWS.validation),
  ];
  const reads = (field: PreparedField): boolean => !hasIds(field) && field.rates === undefined;
  const tableRows = fields.filter(reads).reduce((sum, { size }) => sum + size, 1);
  return fitLogistic(fields, { scenarios: scenarios.length, tasks: tasks.length, tableRows }, train, validation, reads);
}

/** Sums over the rows of each level of a field, for one task. */
interface LevelSums {
  /** Of y - p. */
  residual: Float64Array;
  /** Of p (1 - p), and of its square. */
  variance: Float64Array;
  squared: Float64Array;
}

/** The sums of each field and task [fields][T]. */
async function levelSums(
  reader: SplitReader,
  others: Yardstick,
  tasks: number,
  all: readonly PreparedField[],
  fields: readonly PreparedField[],
): Promise<LevelSums[][]> {
  const slots = slotsOf(all);
  const places = placesOf(fields, all);
  const zeros = ({ size }: PreparedField): Float64Array => new Float64Array(size);
  const sums = fields.map((field) =>
    Array.from({ length: tasks }, () => ({ residual: zeros(field), variance: zeros(field), squared: zeros(field) })),
  );
  for await (const batch of reader.batches({ batchSize: BATCH_ROWS })) {
    const { size, ids, labels } = batch;
    const logits = others.logits(batch);
    for (let row = 0; row < size; row++)
      for (let t = 0; t < tasks; t++) {
        const y = labels[row * tasks + t];
        if (Number.isNaN(y)) continue;
        const p = sigmoid(logits[row * tasks + t]);
        fields.forEach((field, f) => {
          const from = row * slots + places[f];
          for (let i = from; i < from + field.slots; i++) add(sums[f][t], ids[i] - field.offset, y - p, p * (1 - p));
        });
      }
  }
  return sums;
}

function add({ residual, variance, squared }: LevelSums, level: number, r: number, v: number): void {
  if (level < RESERVED_IDS) return; // padding and unknown values are no level
  residual[level] += r;
  variance[level] += v;
  squared[level] += v * v;
}

/** Undefined where no level has labels of both kinds. */
function reliability({ residual, variance, squared }: LevelSums): number | undefined {
  let [levels, total, excess, pairs] = [0, 0, 0, 0];
  residual.forEach((r, level) => {
    const v = variance[level];
    if (v === 0) return;
    levels++;
    total += v;
    excess += r * r - v;
    pairs += v * v - squared[level];
  });
  if (levels === 0 || pairs <= 0) return levels === 0 ? undefined : 0;
  const shown = (Math.max(0, excess / pairs) * total) / levels;
  return shown / (1 + shown);
}
