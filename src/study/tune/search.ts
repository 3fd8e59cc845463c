/**
 * The methods of a search. Each is a function of the space, the seed and the values of trials, by trial number and not by time:
 * the same points are tried however many trials run in parallel and whichever ends first.
 */
import { random } from '../../base/random.ts';
import type { TuneMethod } from '../../config/tune.ts';
import { keyOf, type Parameters, type Point, type Space } from './space.ts';
import { type KnownPoint, tpeCandidates } from './tpe.ts';

/** Asks for the value of parameters after `epochs` epochs (default: at the end of the run). */
export interface TrialRequest {
  /** From 0. */
  trial: number;
  parameters: Parameters;
  /** Epochs of all phases together; a later request for the same trial continues from there. */
  epochs?: number;
}

export interface Trials {
  /** Smaller is better; Infinity where the trial failed. May be called many times at once. */
  loss(request: TrialRequest): Promise<number>;
  /** The trial will not be requested again. */
  through(trial: number): void;
}

export interface SearchPlan {
  space: Space;
  method: TuneMethod;
  seed: number;
}

/** Runs a search to its end. Rejects where a loss rejects, with the same error. */
export async function search({ space, method, seed }: SearchPlan, trials: Trials): Promise<void> {
  if (method.kind === 'halving') return halving(space, { ...method, seed }, trials);
  const count = method.trials;
  if (method.kind === 'random') return inSequence(space, { count, lag: count, seed }, () => [], trials);
  const { parallel, startTrials } = method;
  const suggest = (trial: number, known: KnownPoint[], pending: Point[]): Point[] =>
    trial < startTrials ? [] : tpeCandidates(space, known, pending, random('tune tpe', seed, trial));
  return inSequence(space, { count, lag: parallel, seed }, suggest, trials);
}

/** Trial n is chosen from the values of trials 0 to n - lag and waits for no others, so `lag` trials run in parallel. */
async function inSequence(
  space: Space,
  { count, lag, seed }: { count: number; lag: number; seed: number },
  suggest: (trial: number, known: KnownPoint[], pending: Point[]) => Point[],
  trials: Trials,
): Promise<void> {
  const points: Point[] = [];
  const losses: Promise<number>[] = [];
  for (let trial = 0; trial < count; trial++) {
    const settled = Math.max(0, trial - lag + 1);
    const values = await Promise.all(losses.slice(0, settled));
    const known = values.map((loss, i) => ({ point: points[i], loss }));
    const point = untried(space, points, suggest(trial, known, points.slice(settled)), seed, trial);
    if (point === undefined) break;
    points.push(point);
    const loss = finalLoss(trials, { trial, parameters: space.parameters(point) });
    loss.catch(() => {}); // awaited later: until then a failure must not count as unhandled
    losses.push(loss);
  }
  await Promise.all(losses);
}

/**
 * Successive halving (Jamieson and Talwalkar 2016): all trials get few epochs, the best 1 / factor of them `factor` times as
 * many, and so on; the last one trains to its end. A run that has ended keeps its value whatever epochs are requested.
 */
async function halving(
  space: Space,
  { trials: count, minEpochs, factor, seed }: { trials: number; minEpochs: number; factor: number; seed: number },
  trials: Trials,
): Promise<void> {
  let runners = drawMany(space, count, seed).map((point, trial) => ({ trial, parameters: space.parameters(point) }));
  for (let epochs = minEpochs; runners.length > 1; epochs *= factor) {
    const losses = await Promise.all(runners.map((runner) => trials.loss({ ...runner, epochs })));
    const ranked = runners
      .map((runner, i) => ({ runner, loss: losses[i] }))
      .filter(({ loss }) => loss < Infinity)
      .sort((a, b) => a.loss - b.loss); // stable: the earlier of equal trials comes first
    const next = ranked.slice(0, Math.max(1, Math.floor(runners.length / factor))).map(({ runner }) => runner);
    for (const runner of runners) if (!next.includes(runner)) trials.through(runner.trial);
    runners = next;
  }
  for (const runner of runners) await finalLoss(trials, runner);
}

/** The loss of a trial that will not be requested again, unless it was stopped. */
async function finalLoss(trials: Trials, request: TrialRequest): Promise<number> {
  const loss = await trials.loss(request);
  trials.through(request.trial);
  return loss;
}

const TRIES = 200;

/** The first candidate that no trial has tried, else a uniform draw; undefined when the space seems exhausted. */
function untried(
  space: Space,
  points: readonly Point[],
  candidates: readonly Point[],
  seed: number,
  trial: number,
): Point | undefined {
  const tried = new Set(points.map(keyOf));
  const fresh = (point: Point): boolean => !tried.has(keyOf(point));
  const suggested = candidates.find(fresh);
  if (suggested !== undefined) return suggested;
  const generator = random('tune random', seed, trial);
  for (let i = 0; i < TRIES; i++) {
    const point = space.point(({ choices }) =>
      choices === undefined ? generator.uniform() : generator.below(choices),
    );
    if (fresh(point)) return point;
  }
  return undefined;
}

function drawMany(space: Space, count: number, seed: number): Point[] {
  const points: Point[] = [];
  for (let trial = 0; trial < count; trial++) {
    const point = untried(space, points, [], seed, trial);
    if (point === undefined) break;
    points.push(point);
  }
  return points;
}
