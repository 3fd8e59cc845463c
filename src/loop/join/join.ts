/**
 * `join`: a log of events becomes rows to train on. The log is read once, into columns; rows are written day by day, and a later join
 * writes only the days of which something is new: answers, what users did, or labels that are known now. Whatever order, copies and
 * chunks events come in, the rows are the same. A join that is killed leaves the rows of the one before, as a whole.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join as joinPath, resolve } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { asWriteError, makeFolder, writeFileAtomic } from '../../base/files.ts';
import { dateOf } from '../../base/times.ts';
import type { JoinConfig } from '../../config/join.ts';
import { type Database, openDuckDB } from '../../data/sql/duckdb.ts';
import { registerNumberText } from '../../data/sql/functions.ts';
import type { JoinDocument } from '../../documents/join.ts';
import type { EventLog } from '../../events/log.ts';
import { openLogAt } from '../../events/open.ts';
import { lockFolder } from '../../store/lock.ts';
import { datasetOf, datasetText, type JoinedRows } from './dataset.ts';
import { writeDay } from './day.ts';
import { documentOf, type Joined } from './document.ts';
import { createHistory } from './history.ts';
import { type JoinPlan, planJoin, readServedModel, SEQUENCES } from './plan.ts';
import { countLater, createReactions, touchedDays } from './reactions.ts';
import { readLog } from './read-log.ts';
import {
  type DayState,
  dayFolder,
  eventsFolder,
  type JoinState,
  joinFolder,
  readState,
  workFolder,
  writeState,
} from './state.ts';

export interface JoinOptions {
  /** A folder of segments, or a file with the serving configuration that names the log. */
  log: string;
  config: JoinConfig;
  /** What mistakes of the configuration name. Default: "the join configuration". */
  source?: string;
  /** Folder of the rows: empty, absent, or that of an earlier join of the same log. */
  out: string;
  /** Milliseconds since 1970. Events that are later by more than the allowed skew have wrong clocks. */
  now: number;
  /** Milliseconds since 1970: rows are made of what had happened then. Default: now. */
  asOf?: number;
  /** First and last date of the answers that become rows, UTC, as 2026-11-30. Default: all. */
  from?: string;
  to?: string;
  /** Memory of DuckDB. Default 1GB. */
  memoryLimit?: string;
  onEvent?: (event: JoinProgress) => void;
}

export type JoinProgress =
  | { event: 'progress'; step: 'reading the log'; bytes: number }
  | { event: 'progress'; step: 'writing rows'; day: string; number: number; of: number };

export interface Join {
  document: JoinDocument;
  /** Path of the dataset configuration. */
  dataset: string;
}

/**
 * @throws CONFIG_INVALID, ARTIFACT_NOT_FOUND and the like, JOIN_OUT_OCCUPIED, JOIN_OTHER_LOG, JOIN_STATE, JOIN_EMPTY,
 *   JOIN_FIELDS_MISSING, EVENT_VERSION, RUN_LOCKED (another join writes there), FILE_MISSING, DISK_FULL, FILE_UNWRITABLE; the rows are
 *   then as they were
 */
export async function join(options: JoinOptions): Promise<Join> {
  const started = performance.now();
  const { config, source = 'the join configuration', now, asOf = now } = options;
  const plan = planJoin(config, readServedModel(config.artifact), source);
  const log = await openLog(options.log);
  try {
    const out = resolve(options.out);
    checkOut(out);
    makeFolder(eventsFolder(out));
    const task = { ...options, log, logName: existsSync(log.name) ? resolve(log.name) : log.name, out, asOf };
    const done = await joinAlone(plan, task);
    const seconds = (performance.now() - started) / 1000;
    return { document: documentOf(plan, { ...task, ...done, seconds }), dataset: datasetPath(out) };
  } finally {
    await log.close();
  }
}

/** Throws FILE_MISSING, EVENTS_OFF and what else is wrong with a configuration. */
async function openLog(place: string): Promise<EventLog> {
  const expected = 'a folder of event segments, or a serving configuration';
  if (!existsSync(place)) throw error('FILE_MISSING', { path: place, expected });
  return openLogAt(place);
}

/** Joins while no other process can join into the same folder. */
async function joinAlone(plan: JoinPlan, task: Task): Promise<Joined> {
  const { out, memoryLimit } = task;
  const unlock = lockFolder(joinFolder(out));
  try {
    const before = stateOf(task);
    finishCommit(out, before);
    removeStrays(out, before);
    const work = workFolder(out);
    const file = joinPath(work, 'join.duckdb');
    const database = await openDuckDB({ access: { folders: [out] }, memoryLimit, tempFolder: work, file });
    try {
      return await joinInto(database, plan, task, before);
    } finally {
      database.close();
      rmSync(work, { recursive: true, force: true });
    }
  } catch (cause) {
    throw asWriteError(cause, out);
  } finally {
    unlock();
  }
}

/** Of the dataset configuration of joined rows. */
export const datasetPath = (out: string): string => joinPath(out, 'dataset.yaml');

/** Throws JOIN_OUT_OCCUPIED where somebody else's files are. */
function checkOut(out: string): void {
  if (!existsSync(out) || existsSync(joinFolder(out))) return;
  if (readdirSync(out).length > 0) throw error('JOIN_OUT_OCCUPIED', { folder: out });
}

interface Task extends Omit<JoinOptions, 'log'> {
  log: EventLog;
  /** Stands for the log in the state and in messages. */
  logName: string;
  asOf: number;
}

function stateOf({ out, logName }: Task): JoinState {
  const found = readState(out);
  if (found === undefined) return { schema: 'join-state/1', log: logName, files: [] };
  if (found.log !== logName) throw error('JOIN_OTHER_LOG', { folder: out, expected: found.log, found: logName });
  return found;
}

/** Removes what killed joins left: files of events and folders of rows that the state does not name. Then an empty scratch folder. */
function removeStrays(out: string, { files, rows }: JoinState): void {
  const known = new Set(files.map(({ name }) => name));
  for (const name of readdirSync(eventsFolder(out)))
    if (!known.has(name)) rmSync(joinPath(eventsFolder(out), name), { recursive: true, force: true });
  removeOldRows(out, rows?.days ?? {});
  rmSync(workFolder(out), { recursive: true, force: true });
  mkdirSync(workFolder(out));
}

/** Removes folders of rows that are not those of the days given. */
function removeOldRows(out: string, days: Readonly<Record<string, DayState>>): void {
  for (const folder of readdirSync(out)) {
    const [, day] = /^day=(\d{4}-\d\d-\d\d)$/.exec(folder) ?? [];
    if (day === undefined) continue;
    const path = joinPath(out, folder);
    if (days[day] === undefined) rmSync(path, { recursive: true });
    else
      for (const name of readdirSync(path))
        if (name !== `g${days[day].generation}`) rmSync(joinPath(path, name), { recursive: true });
  }
}

async function joinInto(database: Database, plan: JoinPlan, task: Task, before: JoinState): Promise<Joined> {
  const { connection } = database;
  const { out, log, logName, asOf, now, onEvent } = task;
  await registerNumberText(connection);
  const read = await readLog(database, { log, out, state: before }, (bytes) =>
    onEvent?.({ event: 'progress', step: 'reading the log', bytes }),
  );
  const { state } = read;
  if (state.files.length === 0) throw error('JOIN_EMPTY', { log: logName, reason: 'it has no events yet' });
  const { rows: earlier } = state;
  // Rows of another plan, or of a later time, say nothing about those of this one.
  const known = earlier?.plan === plan.hash && earlier.asOf <= asOf ? earlier : undefined;
  const knownBefore = known ?? { files: 0, asOf: 0 };
  const received = await createReactions(connection, out, state, { asOf, known: knownBefore });
  const days = wantedDays(state, task);
  const touched = [
    ...(await createHistory(connection, plan, { out, state, asOf, known: knownBefore })),
    ...(known === undefined ? [] : await touchedDays(connection, out, state)),
  ];
  const isStale = (day: string): boolean =>
    known === undefined || touched.includes(day) || isChanged(day, state, known, asOf);
  const stale = days.filter(isStale);
  const generation = (earlier?.generation ?? 0) + 1;
  const written: Record<string, DayState> = {};
  for (const [i, day] of stale.entries()) {
    onEvent?.({ event: 'progress', step: 'writing rows', day, number: i + 1, of: stale.length });
    const files = state.files.filter((file) => day in file.days);
    const folder = joinPath(out, dayFolder(day, generation));
    const names = files.map(({ name }) => name);
    const found = await writeDay(connection, plan, { out, day, files: names, asOf, folder });
    written[day] = { ...found, generation, files: files.length };
  }
  const kept = days.filter((day) => !(day in written)).map((day) => [day, known?.days[day]] as [string, DayState]);
  const all = { ...Object.fromEntries(kept), ...written };
  checkRows(all, plan, logName);
  const rows: JoinedRows = {
    plan: plan.hash,
    asOf,
    generation,
    files: state.files.length,
    days: all,
    dataset: datasetText(datasetOf(plan, all)),
  };
  commit(out, { ...state, rows });
  const [later, future] = [
    await countLater(connection, out, state, asOf),
    await countLater(connection, out, state, now + plan.config.skew),
  ];
  return { rows, read, received, written: stale, later, future };
}

/** Dates of the answers that become rows. */
function wantedDays({ files }: JoinState, { from, to, asOf }: Task): string[] {
  const all = new Set(files.flatMap(({ days }) => Object.keys(days)));
  const last = dateOf(asOf);
  return [...all]
    .filter((day) => (from === undefined || day >= from) && (to === undefined || day <= to) && day <= last)
    .sort();
}

/** Has a day new answers, or labels that are known now? */
function isChanged(day: string, { files }: JoinState, known: JoinedRows, asOf: number): boolean {
  const before = known.days[day];
  const own = files.filter((file) => day in file.days);
  if (before === undefined || before.files !== own.length) return true;
  const isLater = asOf > known.asOf && own.some((file) => file.days[day].last > known.asOf);
  return isLater || (before.matures !== null && before.matures <= asOf);
}

/** Throws JOIN_EMPTY, JOIN_FIELDS_MISSING. */
function checkRows(
  days: JoinedRows['days'],
  { fields, sequences, history, models, scenarios }: JoinPlan,
  log: string,
): void {
  const sum = (of: (day: DayState) => number): number => Object.values(days).reduce((total, day) => total + of(day), 0);
  if (sum(({ rows }) => rows) === 0) {
    const others = sum(({ otherModels }) => otherModels);
    const elsewhere = sum(({ otherScenarios }) => otherScenarios);
    const reason =
      others > 0
        ? `${others} answers are of other models than ${models.join(', ')}`
        : elsewhere > 0
          ? `${elsewhere} answers are of other scenarios than ${scenarios.join(', ')}`
          : 'there are none of these days that showed an item';
    throw error('JOIN_EMPTY', { log, reason });
  }
  const names = [
    ...fields.map(({ config }) => config.name),
    ...(sequences === undefined || history.length > 0 ? [] : [SEQUENCES]),
  ];
  const missing = names.filter((name) => sum(({ known }) => known[name] ?? 0) === 0);
  if (missing.length > 0) throw error('JOIN_FIELDS_MISSING', { fields: missing });
}

/** The state counts first; what is left to do afterwards the next join does if this one is killed. */
function commit(out: string, state: JoinState): void {
  writeState(out, state);
  finishCommit(out, state);
  removeOldRows(out, state.rows?.days ?? {});
}

/** Readers follow with the dataset configuration; then nobody needs the rows of earlier joins. */
function finishCommit(out: string, { rows }: JoinState): void {
  if (rows === undefined) return;
  const path = datasetPath(out);
  if (!existsSync(path) || readFileSync(path, 'utf8') !== rows.dataset) writeFileAtomic(path, rows.dataset);
}
