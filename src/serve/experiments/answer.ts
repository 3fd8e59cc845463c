/**
 * Answers of requests that take part in experiments. An arm whose model fails is answered for by the control: the unit stays in its arm,
 * and answer, log and metrics name the code. Mode `shadow` is in shadow.ts.
 */
import { randomUUID } from 'node:crypto';
import { TributaryError } from '../../base/errors/index.ts';
import { random } from '../../base/random.ts';
import { agreedTop, teamDraft } from '../../evaluate/experiment/index.ts';
import type { Models } from '../models/models.ts';
import type { Recorder } from '../models/recorder.ts';
import type { Exposure, RankRequest } from '../ranker/contract.ts';
import type { Exploration } from '../ranker/order.ts';
import type { Ranking, Scoring, ServedRanker } from '../ranker/ranker-contract.ts';
import type { Part, PlanArm } from './plan.ts';

/** A ranking, and who made it. */
export interface Answered {
  ranking: Ranking;
  ranker: ServedRanker;
  recorder: Recorder;
}

/** Called with each arm that failed. */
export type OnFailure = (part: Part, arm: PlanArm, model: string, cause: unknown) => void;

export interface ArmsContext {
  models: Models;
  scorings: Scorings;
  onFailure: OnFailure;
}

/** Compiled score expressions, by ranker. Throws SCORE_INVALID. */
export type Scorings = (ranker: ServedRanker, expression: string) => Scoring[];

export function createScorings(): Scorings {
  const known = new WeakMap<ServedRanker, Map<string, Scoring[]>>();
  return (ranker, expression) => {
    const own = known.get(ranker) ?? new Map<string, Scoring[]>();
    known.set(ranker, own);
    const scoring = own.get(expression) ?? ranker.scoringOf(expression);
    own.set(expression, scoring);
    return scoring;
  };
}

/** `INTERNAL` stands for faults without a code of the catalogue. */
export const codeOf = (cause: unknown): string => (cause instanceof TributaryError ? cause.code : 'INTERNAL');

/** Mode `split`: one experiment may choose the model, and another one the score. */
export async function answerSplit(
  context: ArmsContext,
  request: RankRequest,
  parts: readonly Part[],
  exploration: Exploration | undefined,
): Promise<Answered> {
  const arms = parts.map(({ arm }) => arm);
  const controls = parts.map(({ experiment }) => experiment.arms[0]);
  try {
    return exposed(await answerArms(context, request, arms, exploration), parts);
  } catch (cause) {
    // A request that is refused for all that waits is refused for every arm.
    if (codeOf(cause) === 'SERVER_BUSY' || arms.every((arm, i) => arm === controls[i])) throw cause;
    const answered = await answerArms(context, request, controls, exploration);
    const failed = new Set(parts.filter(({ experiment, arm }) => arm !== experiment.arms[0]));
    for (const part of failed) context.onFailure(part, part.arm, part.arm.model ?? answered.ranker.label, cause);
    return exposed(answered, parts, failed, cause);
  }
}

/** With the model of the arm that has one, and the score of the arm that has one. */
async function answerArms(
  { models, scorings }: ArmsContext,
  request: RankRequest,
  arms: readonly PlanArm[],
  exploration: Exploration | undefined,
): Promise<Answered> {
  const model = arms.find((arm) => arm.model !== undefined)?.model ?? request.model;
  const score = arms.find((arm) => arm.score !== undefined)?.score;
  const { ranker, recorder, done } = models.use(model);
  try {
    const scoring = score === undefined ? undefined : scorings(ranker, score);
    return { ranking: await ranker.ranking(request, { exploration, scoring }), ranker, recorder };
  } finally {
    done();
  }
}

/**
 * The answer and its log name the experiments. Both are fresh: properties are set, since a copy by spread takes several microseconds.
 *
 * @param cause why the arms of `failed` were answered for by the control
 */
function exposed(answered: Answered, parts: readonly Part[], failed?: ReadonlySet<Part>, cause?: unknown): Answered {
  const { ranking } = answered;
  const logged: NonNullable<Ranking['experiments']> = [];
  const shown: Exposure[] = [];
  for (const part of parts) {
    const { experiment, arm, bucket } = part;
    const { key, bucketVersion: bucket_version } = experiment;
    if (failed?.has(part)) {
      const code = codeOf(cause);
      logged.push({ key, arm: arm.name, bucket, bucket_version, failed: code });
      shown.push({ key, arm: arm.name, bucket_version, failed: code });
    } else {
      logged.push({ key, arm: arm.name, bucket, bucket_version });
      shown.push({ key, arm: arm.name, bucket_version });
    }
  }
  ranking.experiments = logged;
  ranking.response.experiments = shown;
  return answered;
}

/** Mode `interleave`: all arms rank at once, and the list is drafted from their rankings. */
export async function answerInterleaved(context: ArmsContext, request: RankRequest, part: Part): Promise<Answered> {
  const start = performance.now();
  const { arms } = part.experiment;
  const results = await rankingsOf(context, request, arms);
  const [control, ...others] = results;
  if ('cause' in control) throw control.cause;
  const at = others.findIndex((result) => 'cause' in result) + 1;
  const failed = results[at];
  if ('cause' in failed) {
    context.onFailure(part, arms[at], arms[at].model ?? control.ranker.label, failed.cause);
    return exposed(control, [part], new Set([part]), failed.cause);
  }
  const rankings = results.map((result) => result as Answered);
  return exposed({ ...control, ranking: drafted(rankings, arms, start) }, [part]);
}

/** Of each arm its ranking, or why there is none. A model that several arms have runs once. */
async function rankingsOf(
  { models, scorings }: ArmsContext,
  request: RankRequest,
  arms: readonly PlanArm[],
): Promise<(Answered | { cause: unknown })[]> {
  const running = new Map<ServedRanker, Promise<Ranking>>();
  return Promise.all(
    arms.map(async ({ model, score }) => {
      try {
        const { ranker, recorder, done } = models.use(model ?? request.model);
        try {
          const scoring = score === undefined ? undefined : scorings(ranker, score);
          const run = running.get(ranker) ?? ranker.ranking(request);
          running.set(ranker, run);
          const ranking = await run;
          return { ranker, recorder, ranking: scoring === undefined ? ranking : ranker.rescored(ranking, scoring) };
        } finally {
          done();
        }
      } catch (cause) {
        return { cause };
      }
    }),
  );
}

/**
 * One list of several rankings of the same items. Each item shown has the score of the ranking that it was taken from. Items that all
 * rankings have at the top in the same order are nobody's, with the score of the control.
 */
function drafted(rankings: readonly Answered[], arms: readonly PlanArm[], start: number): Ranking {
  const [{ ranking: control }] = rankings;
  const seed = randomUUID();
  const { shown } = control.order;
  const lists = rankings.map(({ ranking }) => ranking.order.items);
  const draft = teamDraft(lists, shown, random('interleave', seed));
  const agreed = agreedTop(lists);
  const scored = [...control.scored];
  for (const [position, index] of draft.items.entries())
    if (position >= agreed) scored[index] = rankings[draft.teams[position]].ranking.scored[index];
  const isShown = new Set(draft.items);
  const teams = draft.teams.map((team, position) => (position < agreed ? undefined : arms[team].name));
  return {
    ...control,
    scored,
    order: {
      items: [...draft.items, ...control.order.items.filter((index) => !isShown.has(index))],
      shown,
      policy: {
        kind: 'interleave',
        method: 'team-draft',
        seed,
        teams: Object.fromEntries(rankings.map(({ ranker }, team) => [arms[team].name, ranker.label])),
      },
      teams,
    },
    response: {
      ...control.response,
      items: draft.items.map((index, position) => {
        const team = teams[position];
        return team === undefined ? scored[index] : { ...scored[index], team };
      }),
      took_ms: Math.round((performance.now() - start) * 1000) / 1000,
    },
  };
}
