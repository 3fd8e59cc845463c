/** Holds experiments against the models that are served. */
import { error, TributaryError } from '../../base/errors/index.ts';
import type { ExperimentConfig } from '../../config/experiments.ts';
import type { ServingConfig } from '../../config/serving.ts';
import type { Models } from '../models/models.ts';
import type { ServedRanker } from '../ranker/ranker.ts';
import { modelNameOf } from './plan.ts';

/** @throws EXPERIMENT_MODEL, EXPERIMENT_SCENARIO, EXPERIMENT_UNIT, SCORE_INVALID */
export function checkExperiments(experiments: readonly ExperimentConfig[], models: Models): void {
  const [first] = models.list();
  for (const experiment of experiments) {
    const { key, unit, arms } = experiment;
    const names = Object.entries(arms);
    const rankers = names.map(([arm, { model }]) =>
      rankerOf(models, model ?? modelNameOf(experiment, first?.name ?? ''), key, arm),
    );
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
}

function rankerOf(models: Models, model: string, key: string, arm: string): ServedRanker {
  try {
    const { ranker, done } = models.use(model);
    done();
    return ranker;
  } catch (cause) {
    if (!(cause instanceof TributaryError && cause.code === 'MODEL_NOT_SERVED')) throw cause;
    throw error('EXPERIMENT_MODEL', { key, arm, found: model, known: models.labels() }, cause);
  }
}

/** What an operator should know although the experiments can run. */
export function warningsOf(experiments: readonly ExperimentConfig[], config: ServingConfig): string[] {
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
    ...others.map(
      ({ key, unit }) => `${key} assigns ${unit}, and the log has ${events?.unit} as unit: a report counts other units`,
    ),
  ];
}
