/** Entries of an artifact's manifest that the user chooses. */
import { error } from '../base/errors/index.ts';
import { nearest } from '../base/nearest.ts';
import type { FinishedRun } from '../inference/model/run.ts';
import type { TrainedModel } from '../inference/model/trained.ts';
import type { ArtifactManifest } from '../store/artifact/manifest.ts';
import { MODEL_NAME } from '../store/artifact/paths.ts';
import { compileScore, defaultScore } from '../store/artifact/score.ts';

export interface PlanOptions {
  /** Name of the model in requests. Default: `<model>-<data set>`. */
  name?: string;
  /** Score expressions: one for all scenarios (default: the mean of all tasks), and optional ones by scenario. */
  score?: { default?: string; scenarios?: Record<string, string> };
}

export type ArtifactPlan = Pick<ArtifactManifest, 'score' | 'name'>;

/** Called before any other work. Throws SCORE_INVALID, SCORE_SCENARIO, ARTIFACT_NAME. */
export const planArtifact = ({ data, trained }: FinishedRun, { score, name }: PlanOptions): ArtifactPlan => ({
  score: scoreOf(score, data.manifest.scenarios, data.manifest.tasks),
  name: nameOf(name, trained),
});

function scoreOf(
  given: PlanOptions['score'],
  scenarios: readonly string[],
  tasks: readonly string[],
): ArtifactManifest['score'] {
  const score = { default: given?.default ?? defaultScore(tasks), scenarios: given?.scenarios ?? {} };
  for (const expression of [score.default, ...Object.values(score.scenarios)]) compileScore(expression, tasks);
  const unknown = Object.keys(score.scenarios).find((name) => !scenarios.includes(name));
  if (unknown !== undefined)
    throw error('SCORE_SCENARIO', { found: unknown, near: nearest(unknown, scenarios, 5), known: [...scenarios] });
  return score;
}

function nameOf(given: string | undefined, { model, data }: TrainedModel): string {
  if (given === undefined) return `${model.key}-${data.name}`.replaceAll(/[^A-Za-z0-9_.-]+/g, '-').slice(0, 64);
  if (!MODEL_NAME.test(given)) throw error('ARTIFACT_NAME', { found: given });
  return given;
}
