/** Trains a trial, or takes its recorded value. */
import { existsSync } from 'node:fs';
import { EXIT } from '../../base/errors/entry.ts';
import { TributaryError } from '../../base/errors/index.ts';
import { trialRun } from '../../config/load-tune.ts';
import type { TrialRecord } from '../../documents/tuning.ts';
import { models } from '../../model/registry.ts';
import { openRun, runPaths } from '../../store/run/run-folder.ts';
import { newRun } from '../../train/run/new-run.ts';
import { betterOf, type Context } from './context.ts';
import { tunePaths } from './folder.ts';
import type { TrialRequest } from './search.ts';
import { ranked } from './trials.ts';

/** The pool was stopped: no result. */
export class Stopped extends Error {}

/** Smaller is better; Infinity where the trial failed. */
export async function lossOfTrial(context: Context, request: TrialRequest): Promise<number> {
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
    else await newRun(trialRun(config, models, parameters), data, { folder });
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
      const record = {
        ...ended,
        epochs: result.epochs,
        ended: result.ended,
        seconds: result.seconds,
        value: result.best,
      };
      return result.best === null
        ? { ...record, failure: 'no cell of the validation rows has the monitored value' }
        : record;
    }
  }
}

/** The message of an error that concerns this trial alone (its options, numbers or size). Rethrows others: they would fail every trial. */
function asFailure(cause: unknown): string {
  const own =
    cause instanceof TributaryError &&
    (cause.exitCode === EXIT.usage ||
      cause.exitCode === EXIT.training ||
      ['MEMORY_UNAVAILABLE', 'WORKER_DIED'].includes(cause.code));
  if (!own) throw cause;
  return cause.message;
}
