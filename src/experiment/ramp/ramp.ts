/**
 * The ramp of an experiment: more coverage step by step while its gates hold, none at all once it harms. What is decided is written
 * before the service is asked, so that a ramp that is killed goes on where it was; the service takes a change only for the revision
 * that it was made for, so that a change by hand is never overwritten.
 *
 *   ramp.json     all records
 *   columns/      what was read of the log
 *   lock.<n>      exists while a process works on it
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { makeFolder, readDescription, writeFileAtomic } from '../../base/files.ts';
import { seal, unseal } from '../../base/seal.ts';
import { stepsOf } from '../../config/experiment/analysis.ts';
import type { ExperimentConfig } from '../../config/experiments.ts';
import { type Ramp, type RampRecord, rampSchema } from '../../documents/experiment/ramp.ts';
import type { ExperimentReport } from '../../documents/experiment/report.ts';
import type { EventLog } from '../../events/log.ts';
import { lockFolder } from '../../store/lock.ts';
import { reportExperiment } from '../report.ts';
import { nextOf } from './decide.ts';
import { type AdminService, changeExperiment, servedExperiments } from './service.ts';

export interface RampOptions {
  service: AdminService;
  key: string;
  /** Of the ramp; made if it is not there. */
  folder: string;
  /** Milliseconds since 1970. Default: now. */
  now?: number;
  memoryLimit?: string;
}

export interface RampStep {
  ramp: Ramp;
  /** What it was decided on; absent where nothing was read. */
  report?: ExperimentReport;
  /** Nothing will change any more. */
  isOver: boolean;
}

/** Tries to change the service before the next look. */
const TRIES = 5;

/**
 * One look, and the change that follows from it.
 *
 * @throws EXPERIMENT_SERVICE, EXPERIMENT_NOT_CONFIGURED, EXPERIMENT_RAMP, RUN_LOCKED (another process ramps here), and what a report throws
 */
export async function stepRamp(log: EventLog, options: RampOptions): Promise<RampStep> {
  makeFolder(options.folder);
  const unlock = lockFolder(options.folder);
  try {
    return await stepAlone(log, options);
  } finally {
    unlock();
  }
}

async function stepAlone(
  log: EventLog,
  { service, key, folder, now = Date.now(), memoryLimit }: RampOptions,
): Promise<RampStep> {
  const at = new Date(now).toISOString();
  let ramp = readRamp(folder) ?? { schema: 'experiment-ramp/1', key, url: service.url, records: [] };
  if (ramp.key !== key) throw error('EXPERIMENT_RAMP', { key, problem: `${folder} has the ramp of ${ramp.key}` });
  const keep = (more: Partial<Ramp>): void => {
    ramp = { ...ramp, ...more };
    writeFileAtomic(pathOf(folder), seal(ramp, 1));
  };
  /** Writes the intent, changes the service, writes the record. */
  const carryOut = async (record: RampRecord): Promise<void> => {
    keep({ pending: record, held: undefined });
    await setCoverage(service, key, record.coverage);
    keep({ records: [...ramp.records, record], pending: undefined });
  };
  if (ramp.pending !== undefined) await carryOut(ramp.pending);
  if (isOver(ramp)) return { ramp, isOver: true };
  const config = await configOf(service, key);
  const last = ramp.records.at(-1);
  const record = (of: Omit<RampRecord, 'at' | 'units'>, report?: ExperimentReport): RampRecord => ({
    at,
    ...of,
    units: Object.fromEntries((report?.arms ?? []).map(({ arm, units }) => [arm, units])),
  });
  if (last === undefined || (last.coverage !== config.coverage && config.coverage > 0)) {
    const sentence =
      last === undefined
        ? `coverage is ${config.coverage}`
        : `somebody changed coverage from ${last.coverage} to ${config.coverage}: going on from there`;
    keep({
      records: [...ramp.records, record({ decision: 'begin', coverage: config.coverage, sentence })],
      held: undefined,
    });
  } else if (config.coverage === 0) {
    keep({
      records: [...ramp.records, record({ decision: 'stopped', coverage: 0, sentence: 'somebody set coverage to 0' })],
      held: undefined,
    });
    return { ramp, isOver: true };
  }
  const report = await reportOf(log, { key, config, folder: join(folder, 'columns'), memoryLimit });
  if (report === undefined) {
    keep({ held: { at, sentence: 'the log has no answer of the experiment yet' } });
    return { ramp, isOver: false };
  }
  const since = Date.parse(ramp.records.at(-1)?.at ?? at);
  const next = nextOf(report, config, since, now);
  if (next.decision === 'hold') keep({ held: { at, sentence: next.sentence } });
  else {
    const { decision, coverage, sentence } = next;
    await carryOut(record({ decision, coverage, sentence }, report));
  }
  return { ramp, report, isOver: isOver(ramp) };
}

const isOver = ({ records }: Ramp): boolean =>
  ['roll back', 'ship', 'no difference', 'stopped'].includes(records.at(-1)?.decision ?? '');

/** The records of a folder; undefined where no ramp began there. @throws EXPERIMENT_RAMP, FILE_UNREADABLE */
export function readRamp(folder: string): Ramp | undefined {
  const path = pathOf(folder);
  if (!existsSync(path)) return undefined;
  const damaged = (problem: string) => error('EXPERIMENT_RAMP', { key: path, problem });
  const content = unseal(readDescription(path, 'the records of a ramp'));
  if (!('value' in content)) throw damaged('its checksum is not that of its content');
  const parsed = rampSchema.safeParse(content.value);
  if (!parsed.success) throw damaged(z.prettifyError(parsed.error).replaceAll(/\s*\n\s*/g, ' '));
  return parsed.data;
}

const pathOf = (folder: string): string => join(folder, 'ramp.json');

async function configOf(service: AdminService, key: string): Promise<ExperimentConfig> {
  const { experiments } = await servedExperiments(service);
  const config = experiments.find((one) => one.key === key);
  if (config === undefined)
    throw error('EXPERIMENT_NOT_CONFIGURED', { source: service.url, key, found: experiments.map((one) => one.key) });
  if (stepsOf(config.ramp).length === 0 || config.mode !== 'split')
    throw error('EXPERIMENT_RAMP', {
      key,
      problem: `it has ${config.mode === 'split' ? 'no `ramp`' : `mode ${config.mode}`}`,
    });
  return config;
}

/** Compare and set, again where somebody else changed something else meanwhile. */
async function setCoverage(service: AdminService, key: string, coverage: number): Promise<void> {
  for (let tried = 1; tried <= TRIES; tried++) {
    const { revision, experiments } = await servedExperiments(service);
    const config = experiments.find((one) => one.key === key);
    if (config === undefined || config.coverage === coverage) return;
    if (await changeExperiment(service, revision, { ...config, coverage })) return;
    await new Promise((done) => setTimeout(done, 200 * tried));
  }
  throw error('EXPERIMENT_SERVICE', {
    url: service.url,
    problem: `others changed the experiments ${TRIES} times meanwhile`,
  });
}

async function reportOf(
  log: EventLog,
  options: { key: string; config: ExperimentConfig; folder: string; memoryLimit?: string },
): Promise<ExperimentReport | undefined> {
  try {
    return await reportExperiment(log, options);
  } catch (cause) {
    const code = (cause as { code?: string }).code;
    if (code === 'EXPERIMENT_NOT_LOGGED' || code === 'EVENT_LOG_EMPTY') return undefined;
    throw cause;
  }
}
