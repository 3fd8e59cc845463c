/**
 * The methods of a search. Each is a function of the space, the seed and the values of trials, by their numbers and not by
 * when they came: however many trials run side by side and whichever ends first, the same points are tried.
 */
import { random } from '../../base/random.ts';
import type { TuneMethod } from '../../config/tune.ts';
import { keyOf, type Parameters, type Point, type Space } from './space.ts';
import { type KnownPoint, tpeCandidates } from './tpe.ts';

/** What a search asks for: the value of parameters after so many epochs (default: at the run's own end). */
export interface TrialRequest {
  /** From 0. */
  trial: number;
  parameters: Parameters;
  /** Epochs of all phases together; a later request for the same trial goes on from there. */
  epochs?: number;
}

export interface Trials {
  /** Smaller is better; Infinity where the trial failed. May be called many times at once. */
  loss(request: TrialRequest): Promise<number>;
  /** The trial is not asked for again. */
  through(trial: number): void;
}

export interface SearchPlan {
  space: Space;
  method: TuneMethod;
  seed: number;
}

/** Runs a search to its end. Rejects with what a loss rejects with. */
export async function search({ space, method, seed }: SearchPlan, trials: Trials): Promise<void> {
  if (method.kind === 'halving') return halving(space, { ...method, seed }, trials);
  const count = method.trials;
  if (method.kind === 'random') return inSequence(space, { count, lag: count, seed }, () => [], trials);
  const { parallel, startTrials } = method;
  const suggest = (trial: number, known: KnownPoint[], pending: Point[]): Point[] =>
    trial < startTrials ? [] : tpeCandidates(space, known, pending, random('tune tpe', seed, trial));
  return inSequence(space, { count, lag: parallel, seed }, suggest, trials);
}

/** Trial n is chosen from the values of all trials before n - lag + 1, and waits for no others: `lag` run side by side. */
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
    loss.catch(() => {}); // it is awaited later: until then its failure is not unhandled
    losses.push(loss);
  }
  await Promise.all(losses);
}

/**
 * Successive halving (Jamieson and Talwalkar 2016): all trials get few epochs, the best 1 / factor of them `factor` times as
 * many, and so on; the last goes to its end. A run that has ended before stays as it is, whatever epochs it is asked for.
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
      .sort((a, b) => a.loss - b.loss); // stable: of equals the earlier trial
    const next = ranked.slice(0, Math.max(1, Math.floor(runners.length / factor))).map(({ runner }) => runner);
    for (const runner of runners) if (!next.includes(runner)) trials.through(runner.trial);
    runners = next;
  }
  for (const runner of runners) await finalLoss(trials, runner);
}

/** Of a trial that is not asked for again, unless it was stopped. */
async function finalLoss(trials: Trials, request: TrialRequest): Promise<number> {
  const loss = await trials.loss(request);
  trials.through(request.trial);
  return loss;
}

const TRIES = 200;

/** The first of the candidates that no trial has had, else one drawn evenly; undefined when the space seems to be used up. */
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
