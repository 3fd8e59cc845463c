/** Chooses the model of a run: trains each candidate for its steps, and compares them on the validation rows. Test rows are not read. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { EXIT } from '../../base/errors/entry.ts';
import { error, TributaryError } from '../../base/errors/index.ts';
import { type RunConfig, runSchema } from '../../config/run.ts';
import { openPrepared } from '../../data/prepared/open.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { ChoiceDocument, TriedCandidate } from '../../documents/choice.ts';
import { gridToJson } from '../../documents/grid.ts';
import { type Grid, numberOf } from '../../evaluate/index.ts';
import { openModel } from '../../inference/model/finished.ts';
import { describeData, openPart } from '../../inference/model/run-data.ts';
import { modelSizes } from '../../inference/model/sizes.ts';
import { sessionOf } from '../../inference/session-of.ts';
import { findModel } from '../../model/registry.ts';
import { lockFolder } from '../../store/lock.ts';
import { openRun, readChoice, readFlows, runPaths } from '../../store/run/run-folder.ts';
import { modelCost } from '../../train/cost.ts';
import { evaluateSplit, newGrid } from '../../train/evaluate-split.ts';
import { newRun } from '../../train/run/new-run.ts';
import { runTrial } from '../../train/run/run.ts';
import { holdAgainstYardsticks } from '../../train/yardsticks.ts';
import { marginOver, ScoreSample } from '../../yardsticks/interval.ts';
import { bestOf, decide, type Measured } from './decide.ts';
import type { ChoiceEvent } from './events.ts';
import { type Choosing, candidateFolder, type PlannedCandidate, readChoosing, settle } from './folder.ts';

export interface ChoiceRequest {
  /** A folder made by `createChoice`. */
  folder: string;
  /** Folder of the prepared data set, if it is not the one that was recorded. */
  data?: string;
  emit: (event: ChoiceEvent) => void;
  /** Called after every step; true: keep what was done, and return. */
  shouldStop: () => boolean;
}

/** A candidate that was measured. */
interface Trial extends Measured {
  planned: PlannedCandidate;
  grid: Grid;
  sample: ScoreSample;
}

/** How the trial of a candidate ended: measured, without a value, or not worth a trial. */
type TrialEnd = { trial?: Trial; tried: Omit<TriedCandidate, 'behind'> } | 'flows';

/**
 * Makes the choice, after which the folder is that of a run. Called again after a stop or a kill it goes on: finished trials are not
 * trained again.
 *
 * @returns false where it was stopped
 * @throws errors of runTrial that concern more than one candidate, or of all candidates
 */
export async function runChoice(request: ChoiceRequest): Promise<boolean> {
  const { folder } = request;
  const choosing = readChoosing(folder);
  const unlock = lockFolder(folder);
  try {
    const made = readChoice(folder);
    const document = made ?? (await choose(request, choosing));
    if (document === undefined) return false;
    settle(folder, document);
    request.emit({ event: 'choice', ...document });
    return true;
  } finally {
    unlock();
  }
}

async function choose(request: ChoiceRequest, choosing: Choosing): Promise<ChoiceDocument | undefined> {
  const { folder, emit, shouldStop } = request;
  const started = performance.now();
  const data = await openData(request, choosing);
  const { manifest } = data;
  emit(announcement(folder, choosing, data));
  const ends: Exclude<TrialEnd, 'flows'>[] = [];
  const leftOut = [...choosing.leftOut];
  const failures: unknown[] = [];
  for (const planned of choosing.candidates) {
    if (choosing.candidates.length === 1) break; // nothing to compare it with
    const end = await tryOut(request, planned, data, failures);
    if (end === undefined || shouldStop()) return undefined;
    if (end === 'flows') {
      leftOut.push({ model: planned.model, because: 'flows' });
      emit({ event: 'candidate', model: planned.model, because: 'flows' });
      continue;
    }
    ends.push(end);
    emit({ event: 'candidate', ...end.tried, behind: null });
  }
  if (ends.length > 0 && failures.length === ends.length) throw failures[0];

  const trials = ends.flatMap(({ trial }) => trial ?? []);
  const [only] = choosing.candidates;
  const { chosen, because, behind } = trials.length === 0 ? unmeasured(ends, only) : compare(trials);
  const trial = trials.find(({ model }) => model === chosen);
  const isHeld = trial !== undefined && choosing.yardsticks.length > 0;
  if (isHeld) emit({ event: 'working', on: 'yardsticks' });
  const yardsticks = isHeld
    ? await holdAgainstYardsticks({ config: trial.planned.config, data }, trial, {
        split: 'validation',
        keys: choosing.yardsticks,
        kept: runPaths(folder).yardsticks,
      })
    : undefined;
  if (!existsSync(runPaths(candidateFolder(folder, chosen)).record)) await create(folder, only, data);
  return {
    schema: 'choice/1',
    data: manifest.name,
    dataHash: manifest.hash,
    seed: only.config.seed,
    budget: choosing.budget,
    rows: { train: manifest.splits.train.rows, validation: manifest.splits.validation.rows },
    chosen,
    because,
    candidates: ends.map(({ tried }) => ({ ...tried, behind: behind.get(tried.model) ?? null })),
    leftOut,
    ...(yardsticks && { yardsticks }),
    yardsticksLeftOut: choosing.yardsticksLeftOut,
    seconds: (performance.now() - started) / 1000,
  };
}

async function openData({ folder, data: moved }: ChoiceRequest, { data }: Choosing): Promise<PreparedData> {
  const prepared = await openPrepared(moved ?? data.folder);
  const { hash } = prepared.manifest;
  if (hash !== data.hash)
    throw error('RUN_OTHER_DATASET', { folder, expected: data.hash, found: hash, data: prepared.folder });
  return prepared;
}

const announcement = (folder: string, choosing: Choosing, { manifest }: PreparedData): ChoiceEvent => ({
  event: 'choosing',
  run: folder,
  dataset: manifest.name,
  rows: { train: manifest.splits.train.rows, validation: manifest.splits.validation.rows },
  budget: choosing.budget,
  candidates: choosing.candidates.map(({ model, steps, passes, price }) => ({ model, steps, passes, price })),
  leftOut: choosing.leftOut,
  yardsticks: choosing.yardsticks,
  yardsticksLeftOut: choosing.yardsticksLeftOut,
});

/** The run folder of a candidate. The run that comes of it has the name of the whole folder. */
const create = (folder: string, { model, config }: PlannedCandidate, data: PreparedData): Promise<string> =>
  newRun(config, data, { folder: candidateFolder(folder, model), id: basename(folder) });

/** Undefined where it was stopped. `failures`: takes the error of a candidate that failed by itself. */
async function tryOut(
  { folder: parent, data: moved, emit, shouldStop }: ChoiceRequest,
  planned: PlannedCandidate,
  data: PreparedData,
  failures: unknown[],
): Promise<TrialEnd | undefined> {
  const { model: key, config, steps } = planned;
  const folder = candidateFolder(parent, key);
  const started = performance.now();
  const tried = {
    model: key,
    ...costOf(config, data),
    steps,
    passes: planned.passes,
    ended: false,
    price: planned.price,
    seconds: 0,
    grid: null,
  };
  try {
    if (!existsSync(runPaths(folder).record)) {
      if (findModel(key).flowTable?.source(config.model) === 'test')
        emit({ event: 'working', on: 'flows', model: key });
      await create(parent, planned, data);
    }
    if (readFlows(folder)?.structure?.chosen === 'keep all') return 'flows';
    const cost = costOf(runSchema.parse(openRun(folder).config), data); // of the structure that the test of flows found
    const request = { folder, data: moved, shouldStop };
    const end = await runTrial(
      { ...request, emit: (training) => emit({ event: 'trial', model: key, training }) },
      { steps },
    );
    if (end.event === 'interrupted') return undefined;
    const seconds = Math.max(end.seconds, (performance.now() - started) / 1000);
    const done = { ...tried, ...cost, ended: end.ended, seconds };
    if (end.best === null) return { tried: done };
    const { grid, sample } = await measure(folder, planned, data);
    const auc = numberOf(grid.macro.auc);
    const result = { ...done, grid: gridToJson(grid) };
    return auc === null
      ? { tried: result }
      : { tried: result, trial: { model: key, multiplyAdds: cost.multiplyAdds, auc, planned, grid, sample } };
  } catch (cause) {
    if (!isItsOwn(cause)) throw cause;
    failures.push(cause);
    return { tried: { ...tried, failure: cause.message } };
  }
}

/** Of the model of a configuration. */
function costOf(
  { model: written }: RunConfig,
  { manifest }: PreparedData,
): { denseParameters: number; multiplyAdds: number } {
  const model = findModel(written.key);
  const { denseParameters, multiplyAddsPerRow } = modelCost(
    model,
    model.options.parse(written),
    modelSizes(manifest),
    manifest.tableRows,
  );
  return { denseParameters, multiplyAdds: multiplyAddsPerRow };
}

/** Concerns an error this candidate alone: its numbers, or its size? */
const isItsOwn = (cause: unknown): cause is TributaryError =>
  cause instanceof TributaryError &&
  (cause.exitCode === EXIT.training || ['MEMORY_UNAVAILABLE', 'MEMORY_TOO_LARGE'].includes(cause.code));

/** The validation rows by the best weights so far. */
async function measure(
  folder: string,
  { config }: PlannedCandidate,
  data: PreparedData,
): Promise<{ grid: Grid; sample: ScoreSample }> {
  const { manifest } = data;
  const { train, evaluate } = config;
  const batchSize = train.evaluationBatchSize;
  const model = await openModel(folder, { ...sessionOf(config), batchSize, data: describeData(manifest) });
  const sample = new ScoreSample(manifest.splits.validation.rows, manifest.tasks.length);
  const reader = await openPart(data, 'validation', train);
  try {
    const grid = await evaluateSplit(model.executor, reader, newGrid(manifest, evaluate), {
      take: (batch, logits) => sample.add(batch, logits),
    });
    return { grid, sample };
  } finally {
    await reader.close();
    await model.close();
  }
}

interface Compared {
  chosen: string;
  because: ChoiceDocument['because'];
  /** How far each candidate is behind the best one. */
  behind: Map<string, TriedCandidate['behind']>;
}

function compare(trials: readonly Trial[]): Compared {
  const best = bestOf(trials);
  const behind = new Map<string, TriedCandidate['behind']>();
  for (const trial of trials) {
    const test = trial === best ? undefined : marginOver(trial, best, trial.planned.config.evaluate);
    if (test === undefined) continue;
    const { difference, standardError, low, high } = test;
    behind.set(trial.model, { difference, standardError, low, high });
  }
  const { model, because } = decide(trials as [Trial, ...Trial[]], ({ model: of }) => behind.get(of) ?? undefined);
  return { chosen: model, because, behind };
}

/** Nothing was measured: the first candidate that did not fail. */
const unmeasured = (ends: readonly { tried: Omit<TriedCandidate, 'behind'> }[], only: PlannedCandidate): Compared => ({
  chosen: ends.find(({ tried }) => tried.failure === undefined)?.tried.model ?? only.model,
  because: 'only',
  behind: new Map(),
});
