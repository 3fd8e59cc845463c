/**
 * How strongly the embeddings of ids should decay, from the data (ours). An id that is seen twice tells little about itself, and its
 * row is soon learned by heart; an id that is seen a thousand times is worth its row. The reliability of a field is the share of
 * what its levels show that is not chance:
 *
 *   r = sum over a level's rows of (y - mean of its scenario)      v = sum of p (1 - p)
 *   tau2 = sum (r^2 - v) / sum (v^2 - sum v_i^2)     rho = share v tau2 / (1 + v tau2) at the mean v     decay = min(60, max(4, 180 ((1 - rho) / rho)^2))
 *
 * tau2 is the variance of the levels' effects on the logit. rho is the mean over tasks. (1 - rho) / rho is how much chance there is to
 * what is not. `share` is that of validation rows whose level training rows know, relative to that among training rows: what is learned
 * of an id that does not come again is of no use, and other fields learn less while it explains their labels (users of MovieLens 100K
 * by time: six of seven come for the first time). Labels of validation rows are not read.
 *
 * 4, 180 and 60 come from pilot runs on two shops, a synthetic world, MovieLens 100K and 1M with at most 235 steps in an epoch, by
 * validation rows; docs/reproduction.md says where they fail. What counts is how much of a row is left when its id comes again, so where an epoch has more steps each takes
 * less: decay 235 / steps (reasoned, not measured).
 */
import type { SplitName } from '../../config/dataset.ts';
import type { RunConfig } from '../../config/run.ts';
import { firstSlots, PADDING_ID, type PreparedField, RESERVED_IDS, slotsOf } from '../../data/encode/ids.ts';
import type { PreparedData, SplitReader } from '../../data/prepared/prepared.ts';
import { openPart } from '../../inference/model/run-data.ts';

/** Fields with fewer levels do not decay unless the configuration names them: that of brands and words did harm on a shop. */
const MIN_LEVELS = 500;
/** The weakest and the strongest decay, and the factor of what lies between, with at most `STEPS` in an epoch. */
const [WEAKEST, STRONGEST] = [4, 60];
const FACTOR = 180;
const STEPS = 235;
const BATCH_ROWS = 16_384;

/** Has the field so many values that they are ids? */
export const hasIds = ({ size }: Pick<PreparedField, 'size'>): boolean => size - RESERVED_IDS >= MIN_LEVELS;

/** Of a field in a run with `steps` in an epoch. */
export function decayOf(reliability: number, steps: number): number {
  const found = FACTOR * ((1 - reliability) / reliability) ** 2; // infinite where nothing is reliable
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
  const { scenarios, tasks, fields: all } = data.manifest;
  const read = async <T>(split: SplitName, use: (reader: SplitReader) => Promise<T>): Promise<T> => {
    const reader = await openPart(data, split, part);
    return use(reader).finally(() => reader.close());
  };
  const again = await read('validation', (reader) => knownShares(reader, all, fields));
  return read('train', async (reader) => {
    const known = await knownShares(reader, all, fields);
    const means = await scenarioMeans(reader, scenarios.length, tasks.length);
    const sums = await levelSums(reader, means, tasks.length, all, fields);
    return sums.map((ofTasks, f) => {
      const found = ofTasks.map(reliability).filter((rho) => rho !== undefined);
      if (found.length === 0) return 0;
      return (Math.min(1, again[f] / known[f]) * found.reduce((sum, rho) => sum + rho, 0)) / found.length;
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

/** Mean label of each scenario and task [S*T]. */
async function scenarioMeans(reader: SplitReader, scenarios: number, tasks: number): Promise<Float64Array> {
  const [sums, counts] = [new Float64Array(scenarios * tasks), new Float64Array(scenarios * tasks)];
  for await (const { size, scenario, labels } of reader.batches({ batchSize: BATCH_ROWS }))
    for (let row = 0; row < size; row++)
      for (let t = 0; t < tasks; t++) {
        const y = labels[row * tasks + t];
        if (Number.isNaN(y)) continue;
        sums[scenario[row] * tasks + t] += y;
        counts[scenario[row] * tasks + t]++;
      }
  return sums.map((sum, cell) => sum / Math.max(1, counts[cell]));
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
  means: Float64Array,
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
  for await (const { size, ids, scenario, labels } of reader.batches({ batchSize: BATCH_ROWS }))
    for (let row = 0; row < size; row++)
      for (let t = 0; t < tasks; t++) {
        const y = labels[row * tasks + t];
        if (Number.isNaN(y)) continue;
        const p = means[scenario[row] * tasks + t];
        fields.forEach((field, f) => {
          const from = row * slots + places[f];
          for (let i = from; i < from + field.slots; i++) add(sums[f][t], ids[i] - field.offset, y - p, p * (1 - p));
        });
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
