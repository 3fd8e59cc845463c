/** A search from its beginning, or from where a kill left it, to the best configuration. Trials never see test rows. */

import { existsSync } from 'node:fs';
import { stringify } from 'yaml';
import { createHandle, type Handle } from '../../base/disposal.ts';
import { EXIT } from '../../base/errors/entry.ts';
import { error, TributaryError } from '../../base/errors/index.ts';
import { writeFileAtomic } from '../../base/files.ts';
import { oneLine } from '../../base/one-line.ts';
import { trialRun, writtenRun } from '../../config/load-tune.ts';
import type { RunConfig } from '../../config/run.ts';
import type { TuneConfig } from '../../config/tune.ts';
import { openPrepared } from '../../data/prepared/open.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { TrialRecord, TuningDocument } from '../../documents/tuning.ts';
import { ruleText } from '../../evaluate/index.ts';
import { models } from '../../model/registry.ts';
import { tuningMarkdown } from '../../report/tuning.ts';
import { lockFolder } from '../../store/lock.ts';
import { dropCheckpoints, openRun, runPaths } from '../../store/run/run-folder.ts';
import { newRun } from '../../train/run/new-run.ts';
import { openPool, type TrainingPool, workersFor } from '../pool.ts';
import { claimFolder, tunePaths } from './folder.ts';
import { importances } from './importance.ts';
import { search, type TrialRequest } from './search.ts';
import { openSpace } from './space.ts';
import { latest, openTrialLog, ranked, type TrialLog } from './trials.ts';

export interface TuneRequest {
  config: TuneConfig;
  /** Folder of the search; the same one again goes on with it. */
  out: string;
  /** Trials at once; default: what the machine has room for. */
  workers?: number;
  onEvent?: (event: TuneEvent) => void;
  /** Stops the search as `stop` of its handle does. */
  signal?: AbortSignal;
}

export type TuneEvent =
  | { event: 'start'; out: string; method: string; trials: number; workers: number; known: number; monitor: Monitor }
  /** A trial has begun, or gone on. */
  | { event: 'running'; trial: number; parameters: TrialRecord['parameters'] }
  /** `value`: of this epoch. */
  | { event: 'epoch'; trial: number; epochs: number; value: number | null }
  | ({ event: 'trial'; best: boolean } & TrialRecord);

type Monitor = RunConfig['train']['monitor'];

export interface TuneResult extends TuningDocument {
  event: 'result';
  out: string;
  /** File of the best configuration. */
  config: string;
}

/** A search at work: without a result once it is stopped. Running trials then write checkpoints; the same call continues it. */
export type TuneHandle = Handle<TuneResult | undefined>;

export function startTuning(request: TuneRequest): TuneHandle {
  const { config, workers } = request;
  const threads = baseRun(config).threads ?? 1;
  const side = config.method.kind === 'tpe' ? config.method.parallel : config.method.trials;
  const pool = openPool(Math.min(workers ?? workersFor(threads), side));
  return createHandle(tune(request, pool), () => pool.stop(), request.signal);
}

/** The run that parameters are set in; where the model itself is searched, with its first choice. */
function baseRun(config: TuneConfig): RunConfig {
  const key = config.space['model.key']?.choices?.[0];
  return trialRun(config, models, key === undefined ? {} : { 'model.key': key });
}

/** The pool was stopped: no result. */
class Stopped extends Error {}

async function tune(request: TuneRequest, pool: TrainingPool): Promise<TuneResult | undefined> {
  const { config, out, onEvent = () => {} } = request;
  const data = await openPrepared(config.data);
  claimFolder(out, { config, hash: data.manifest.hash });
  const unlock = lockFolder(out);
  const log = openTrialLog(tunePaths(out).trials);
  const base = baseRun(config);
  const { monitor } = base.train;
  const context: Context = { config, out, data, pool, log, monitor, over: ruleText(base.evaluate), onEvent };
  const running = new Set<Promise<number>>();
  try {
    const { method, seed } = config;
    const known = latest(log.records()).filter(({ ended, value }) => ended || value === null).length;
    onEvent({ event: 'start', out, method: method.kind, trials: method.trials, workers: pool.workers, known, monitor });
    await search(
      { space: openSpace(config.space), method, seed },
      {
        loss(asked) {
          const loss = lossOfTrial(context, asked);
          running.add(loss);
          return loss;
        },
        through: (trial) => dropCheckpoints(tunePaths(out).trial(trial)),
      },
    );
    return conclude(context);
  } catch (cause) {
    pool.stop();
    if (cause instanceof Stopped) return undefined;
    throw cause;
  } finally {
    await Promise.allSettled(running);
    log.close();
    unlock();
  }
}

interface Context {
  config: TuneConfig;
  out: string;
  data: PreparedData;
  pool: TrainingPool;
  log: TrialLog;
  monitor: Monitor;
  over: string;
  onEvent: (event: TuneEvent) => void;
}

const betterOf = (monitor: Monitor): 'higher' | 'lower' => (monitor === 'auc' ? 'higher' : 'lower');

async function lossOfTrial(context: Context, request: TrialRequest): Promise<number> {
  const { log, monitor, onEvent } = context;
  const asked = request.epochs ?? null;
  let record = log.find(request.trial, asked);
  if (record === undefined) {
    record = await train(context, request);
    log.add(record);
    const [first] = ranked(log.records(), betterOf(monitor));
    onEvent({ event: 'trial', best: record.value !== null && first.trial === record.trial, ...record });
  }
  if (record.value === null) return Number.POSITIVE_INFINITY;
  return monitor === 'auc' ? -record.value : record.value;
}

async function train(context: Context, { trial, parameters, epochs }: TrialRequest): Promise<TrialRecord> {
  const { config, data, out, pool, onEvent } = context;
  const folder = tunePaths(out).trial(trial);
  const ended = { trial, parameters, asked: epochs ?? null, epochs: 0, ended: true, value: null, seconds: 0 };
  try {
    if (existsSync(runPaths(folder).record)) openRun(folder);
    else newRun(trialRun(config, models, parameters), data, { folder });
  } catch (cause) {
    return { ...ended, failure: asFailure(cause) };
  }
  let begun = false;
  let done = 0;
  const outcome = await pool.train({
    folder,
    trial: { epochs },
    onEvent(event) {
      if (!begun) onEvent({ event: 'running', trial, parameters });
      begun = true;
      if (event.event === 'epoch') onEvent({ event: 'epoch', trial, epochs: ++done, value: event.monitor });
    },
  });
  switch (outcome.kind) {
    case 'stopped':
      throw new Stopped();
    case 'failed':
      return { ...ended, failure: asFailure(outcome.error) };
    case 'finished':
      throw new Error('a trial was measured on test rows');
    case 'validated': {
      const { result } = outcome;
      const told = {
        ...ended,
        epochs: result.epochs,
        ended: result.ended,
        seconds: result.seconds,
        value: result.best,
      };
      return result.best === null
        ? { ...told, failure: 'no cell of the validation rows has the monitored value' }
        : told;
    }
  }
}

/** Troubles that are a trial's own: its options, its numbers, its size. Throws all others: they would befall every trial. */
function asFailure(cause: unknown): string {
  const own =
    cause instanceof TributaryError &&
    (cause.exitCode === EXIT.usage ||
      cause.exitCode === EXIT.training ||
      ['MEMORY_UNAVAILABLE', 'WORKER_DIED'].includes(cause.code));
  if (!own) throw cause;
  return cause.message;
}

function conclude({ config, out, log, monitor, over, data }: Context): TuneResult {
  const records = log.records().filter(({ trial }) => trial < config.method.trials);
  const better = betterOf(monitor);
  const trials = ranked(records, better);
  const [best] = trials;
  if (best === undefined || best.value === null)
    throw error('TUNE_NO_VALUE', { trials: trials.length, failure: best?.failure ?? '' });
  const { best: path, result, report } = tunePaths(out);
  const run = writtenRun(config, models, best.parameters);
  const head = [
    ` Trial ${best.trial}, the best of ${trials.length} by validation ${monitor}: ${best.value} after ${best.epochs} epochs on ${data.manifest.name}.`,
    ` tributary train --data ${config.data} --config ${path}`,
  ];
  writeFileAtomic(path, `${head.map((line) => `#${oneLine(line)}\n`).join('')}${stringify(run)}`);
  // Values after the same epochs can be compared: of halving those of the first round.
  const first = config.method.kind === 'halving' ? config.method.minEpochs : null;
  const hints = importances(
    records.filter(({ asked }) => asked === first),
    config.space,
    better,
  );
  const parameters = Object.keys(config.space);
  const tuning: TuningDocument = { schema: 'tuning/1', monitor, over, parameters, best, trials, hints };
  writeFileAtomic(result, `${JSON.stringify(tuning, null, 1)}\n`);
  writeFileAtomic(report, tuningMarkdown(tuning, config));
  return { event: 'result', out, config: path, ...tuning };
}
