/**
 * Training options of a run that names a model and no preset, from the size of the data. docs/training.md says what each is worth.
 */
import type { Manifest } from '../../data/prepared/prepared.ts';
import type { CommonOptions, ModelDefinition } from '../../model/contract.ts';
import { openRun } from '../../store/run/run-folder.ts';
import { hasIds } from './id-decay.ts';

/** Steps of an epoch at least, where batches need not be shorter than `MIN_BATCH`. */
const STEPS = 235;
const [MIN_BATCH, MAX_BATCH] = [256, 4096];
/** With so many steps in each, a longer search learns ids by heart before the retraining begins. */
const SEARCH_EPOCHS = 3;
/** From this many training rows on, a model keeps the widths of its paper. */
const MANY_ROWS = 1_000_000;

/**
 * A partial configuration: the layer above the defaults of schema and model. A warm start keeps the model options of the run
 * `warmStart`, since it copies all of its weights.
 *
 * @throws RUN_NOT_FOUND if that is no run folder
 */
export function dataDefaults(
  model: ModelDefinition<CommonOptions>,
  { splits, fields }: Pick<Manifest, 'splits' | 'fields'>,
  warmStart?: unknown,
): object {
  const { rows } = splits.train;
  return {
    model:
      typeof warmStart === 'string' ? optionsOf(warmStart, model.key) : optionsFor(model, rows, fields.some(hasIds)),
    train: {
      batchSize: Math.min(MAX_BATCH, Math.max(MIN_BATCH, Math.ceil(rows / STEPS))),
      learningRate: 2e-3,
      patience: 2,
      idDecay: 'auto',
      weightAverage: 0.998,
      ...(model.flowSelection && { searchEpochs: SEARCH_EPOCHS }),
    },
  };
}

/** Products of pairs pay where there are ids; among 36 fields without they brought nothing, for more processor time. */
function optionsFor(model: ModelDefinition<CommonOptions>, rows: number, pairs: boolean): object {
  const takes = model.options.safeParse({ key: model.key, pairs }).success; // not every model of a user has them
  return { ...(rows < MANY_ROWS && model.smallOptions), ...(takes && { pairs }) };
}

/** The options of a run's model; none if it is another model, which the check of the warm start reports. */
function optionsOf(run: string, key: string): object {
  const { model, config } = openRun(run);
  return model === key ? (config as { model: object }).model : {};
}
