/** Versions of an experiment: what may change without moving a unit from one arm to another, and who was in which version. */

import { error } from '../../base/errors/index.ts';
import { canonicalJson } from '../../base/hash.ts';
import type { ExperimentConfig } from '../../config/experiments.ts';
import type { Assignment } from '../../evaluate/experiment/index.ts';

/** Of mode `split` one for each arm; in other modes all units have the same. */
export function weightsOf({ mode, weights, arms }: ExperimentConfig): readonly number[] {
  if (mode !== 'split') return [1];
  const count = Object.keys(arms).length;
  return weights ?? new Array<number>(count).fill(1 / count);
}

/** Who takes part, as the pure function of `evaluate` takes it. */
export const assignmentOf = (experiment: ExperimentConfig): Assignment => {
  const { key, seed, hashVersion, coverage, namespace } = experiment;
  return { key, seed, hashVersion, coverage, namespace, weights: weightsOf(experiment) };
};

/**
 * The versions after an experiment was changed or added. Of each version the last state is kept, with the highest coverage that it had:
 * all units that can have been in it.
 *
 * @throws EXPERIMENT_MOVES
 */
export function withVersion(versions: readonly ExperimentConfig[], changed: ExperimentConfig): ExperimentConfig[] {
  const { key, bucketVersion: version } = changed;
  const last = versions.findLast((known) => known.key === key);
  if (last === undefined || version > last.bucketVersion) return [...versions, changed];
  const what = movesOf(last, changed);
  if (version < last.bucketVersion || what.length > 0)
    throw error('EXPERIMENT_MOVES', { key, what, version, before: last.bucketVersion });
  const coverage = Math.max(last.coverage, changed.coverage);
  return versions.map((known) => (known === last ? { ...changed, coverage } : known));
}

/** What differs that decides the arm of a unit, or what the arm is. Coverage may change: it lets units in and out. */
function movesOf(before: ExperimentConfig, after: ExperimentConfig): string[] {
  const decisive = (experiment: ExperimentConfig): Record<string, unknown> => ({
    unit: experiment.unit,
    mode: experiment.mode,
    seed: experiment.seed ?? experiment.key,
    hashVersion: experiment.hashVersion,
    arms: Object.entries(experiment.arms),
    weights: weightsOf(experiment),
  });
  const [a, b] = [decisive(before), decisive(after)];
  const moved = Object.keys(a).filter((name) => canonicalJson(a[name]) !== canonicalJson(b[name]));
  return isWithin(before.namespace, after.namespace) ? moved : [...moved, 'namespace'];
}

/** Has the namespace all units that it had? */
function isWithin(before: ExperimentConfig['namespace'], after: ExperimentConfig['namespace']): boolean {
  if (after === undefined) return true;
  if (before === undefined || before.name !== after.name) return false;
  return after.range[0] <= before.range[0] && before.range[1] <= after.range[1];
}
