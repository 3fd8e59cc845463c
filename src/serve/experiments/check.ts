/** Holds experiments against the models that are served. */
import { error, TributaryError } from '../../base/errors/index.ts';
import type { ExperimentConfig } from '../../config/experiments.ts';
import type { ServingConfig } from '../../config/serving.ts';
import type { Models } from '../models/models.ts';
import type { ServedRanker } from '../ranker/ranker-contract.ts';
import { modelNameOf } from './plan.ts';

/** The ranker of `name` or `name@id`. Throws MODEL_NOT_SERVED. */
type FindRanker = (model: string) => ServedRanker;

/** @throws EXPERIMENT_MODEL, EXPERIMENT_SCENARIO, EXPERIMENT_UNIT, SCORE_INVALID */
export function checkExperiments(experiments: readonly ExperimentConfig[], models: Models): void {
  for (const experiment of experiments) checkExperiment(experiment, models, usedOf(models));
}

/**
 * Can a ranker become what its name stands for, although arms name it? Those that name an artifact (`name@id`) keep theirs.
 *
 * @throws EXPERIMENT_UNFIT
 */
export function checkReplacement(experiments: readonly ExperimentConfig[], models: Models, ranker: ServedRanker): void {
  const others = usedOf(models);
  const after: FindRanker = (model) => ([ranker.name, ranker.label].includes(model) ? ranker : others(model));
  for (const experiment of experiments) {
    const named = Object.values(experiment.arms).map(({ model }) => model ?? defaultOf(experiment, models));
    if (!named.includes(ranker.name)) continue;
    try {
      checkExperiment(experiment, models, after);
    } catch (cause) {
      if (!(cause instanceof TributaryError)) throw cause;
      throw error('EXPERIMENT_UNFIT', { model: ranker.label, key: experiment.key, reason: cause.message }, cause);
    }
  }
}

function checkExperiment(experiment: ExperimentConfig, models: Models, find: FindRanker): void {
  const { key, unit, arms } = experiment;
  const names = Object.entries(arms);
  const rankers = names.map(([arm, { model = defaultOf(experiment, models) }]) => {
    try {
      return find(model);
    } catch (cause) {
      if (!(cause instanceof TributaryError && cause.code === 'MODEL_NOT_SERVED')) throw cause;
      throw error('EXPERIMENT_MODEL', { key, arm, found: model, known: models.labels() }, cause);
    }
  });
  const scenarios = experiment.scenarios ?? rankers[0].manifest.data.scenarios;
  for (const [i, ranker] of rankers.entries()) {
    const { label: model, manifest } = ranker;
    const known = manifest.data.scenarios;
    for (const found of scenarios)
      if (!known.includes(found)) throw error('EXPERIMENT_SCENARIO', { key, model, found, known: [...known] });
    if (!ranker.takes(unit)) throw error('EXPERIMENT_UNIT', { key, unit, model });
    const { score } = names[i][1];
    if (score !== undefined) ranker.scoringOf(score);
  }
}

/** The model of arms that name none. */
const defaultOf = (experiment: ExperimentConfig, models: Models): string =>
  modelNameOf(experiment, models.list()[0]?.name ?? '');

const usedOf =
  (models: Models): FindRanker =>
  (model) => {
    const { ranker, done } = models.use(model);
    done();
    return ranker;
  };

/** What an operator should know although the experiments can run. */
export function warningsOf(experiments: readonly ExperimentConfig[], config: ServingConfig, models: Models): string[] {
  if (experiments.length === 0) return [];
  const { events, experimentsFile } = config;
  const others = experiments.filter(({ unit }) => events?.unit !== undefined && unit !== events.unit);
  return [
    ...(experimentsFile === undefined
      ? ['experimentsFile is not configured: changes are lost when the service ends']
      : []),
    ...(events === undefined ? ['events are not logged: no report can be made of these experiments'] : []),
    ...(events !== undefined && events.unit === undefined
      ? ['events.unit is not configured: a report cannot tell units from requests']
      : []),
    ...experiments.flatMap((experiment) => outsideOf(experiment, models)),
    ...others.map(
      ({ key, unit }) => `${key} assigns ${unit}, and the log has ${events?.unit} as unit: a report counts other units`,
    ),
  ];
}

/** Of two artifacts under one name the later one answers those who take no part: with a small coverage that is nearly everybody. */
function outsideOf(experiment: ExperimentConfig, models: Models): string[] {
  const { key, arms } = experiment;
  const find = usedOf(models);
  const outside = find(modelNameOf(experiment, models.list()[0].name)).label;
  const [[control, { model = defaultOf(experiment, models) }]] = Object.entries(arms);
  const own = find(model).label;
  if (own === outside) return [];
  return [
    `units that take no part in ${key} are answered by ${outside}, not by ${own}, the model of ${control}: serve the candidate under another name (candidate=DIR), or before the control's artifact`,
  ];
}
