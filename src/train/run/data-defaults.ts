/**
 * Training options of a run that names a model and no preset, from the size of the data. docs/training.md says what each is worth.
 */
import type { Manifest } from '../../data/prepared/prepared.ts';
import type { CommonOptions, ModelDefinition } from '../../model/contract.ts';

/** Steps of an epoch at least, where batches need not be shorter than `MIN_BATCH`. */
const STEPS = 235;
const [MIN_BATCH, MAX_BATCH] = [256, 4096];
/** From this many training rows on, a model keeps the widths of its paper. */
const MANY_ROWS = 1_000_000;

/** A partial configuration: the layer above the defaults of schema and model. */
export function dataDefaults(model: ModelDefinition<CommonOptions>, { splits }: Pick<Manifest, 'splits'>): object {
  const { rows } = splits.train;
  const pairs = model.options.safeParse({ key: model.key, pairs: true }).success; // not every model of a user has them
  return {
    model: { ...(rows < MANY_ROWS && model.smallOptions), ...(pairs && { pairs }) },
    train: {
      batchSize: Math.min(MAX_BATCH, Math.max(MIN_BATCH, Math.ceil(rows / STEPS))),
      learningRate: 2e-3,
      l2: 1e-6,
      monitor: 'logloss',
      validationsPerEpoch: 3,
      patience: 6,
      idDecay: 'auto',
      tableDeviation: 0.03,
      weightAverage: 0.998,
    },
  };
}
