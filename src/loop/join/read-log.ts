/**
 * Reads what is new in a log into files of columns. Each file counts once the state names it, so a join that is killed goes on behind
 * the last one. What rows and labels are is decided later: these files do not depend on the configuration.
 */
import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { asWriteError, syncFolder } from '../../base/files.ts';
import { DAY_MS, dateOf } from '../../base/times.ts';
import { type Database, execute, query } from '../../data/sql/duckdb.ts';
import { filePath, literal } from '../../data/sql/text.ts';
import { copiesOf } from '../../events/copies.ts';
import {
  HEAD_COLUMNS,
  IS_LATER,
  IS_WHOLE,
  ITEMS,
  itemSql,
  MOST_EVENT_BYTES,
  OWN_VALUES,
  REACTION_COLUMNS,
  SHOWN,
  VALUE_COLUMNS,
} from '../../events/layout/sql.ts';
import type { EventLog } from '../../events/log.ts';
import { type EventFile, eventsFolder, type JoinState, workFolder, writeState } from './state.ts';

export interface LogRead {
  state: JoinState;
  /** Lines of the files that were made now. */
  lines: EventFile['lines'];
  bytes: number;
}

/** @throws EVENT_VERSION, EVENT_STORE, FILE_MISSING, FILE_UNREADABLE, DISK_FULL */
export async function readLog(
  { connection }: Database,
  { log, out, state: before }: { log: EventLog; out: string; state: JoinState },
  onBytes: (bytes: number) => void,
): Promise<LogRead> {
  const read: LogRead = { state: before, lines: noLines(), bytes: 0 };
  for await (const { path, bytes, cursor } of copiesOf(log, workFolder(out), before.cursor)) {
    const { state } = read;
    const file = await writeEvents(connection, { log, out, path, number: state.files.length });
    rmSync(path);
    read.state = { ...state, cursor, files: [...state.files, file] };
    writeState(out, read.state);
    for (const kind of KINDS) read.lines[kind] += file.lines[kind];
    read.bytes += bytes;
    onBytes(read.bytes);
  }
  return read;
}

const KINDS = ['impression', 'interaction', 'correction', 'damaged', 'forgotten', 'lost'] as const;
const noLines = (): EventFile['lines'] => ({
  impression: 0,
  interaction: 0,
  correction: 0,
  damaged: 0,
  forgotten: 0,
  lost: 0,
});

/** What is read of an event; `event.ts` and `compact.ts` describe it. Values stay JSON: a request gives a field as a text, a number or a list. */
const COLUMNS = {
  ...HEAD_COLUMNS,
  experiments: 'STRUCT("key" VARCHAR, arm VARCHAR, bucket DOUBLE)[]',
  policy: 'STRUCT(kind VARCHAR)',
  items: ITEMS,
  unshown: ITEMS,
  ...VALUE_COLUMNS,
  values: 'JSON',
  sequences: 'JSON',
  ...REACTION_COLUMNS,
  count: 'BIGINT',
};

/** The end of the year 9999: what is later is no time. */
const LAST_TIME = 253_402_300_799_999;

/** What a line is: its kind, `damaged` where it lacks what its kind needs, or the version of another schema. */
const KIND = `CASE
  WHEN ${IS_LATER} THEN schema
  WHEN schema = 'event/1' AND kind IN ('gap', 'forgotten') THEN kind
  WHEN ${IS_WHOLE} AND time BETWEEN 0 AND ${LAST_TIME} THEN kind
  ELSE 'damaged' END`;

/** Items that were shown, those of all schemas alike. Values by field stay in `item_values`. */
const ALIKE = `list_transform(shown, lambda item, i: ${itemSql(
  'item',
  'i',
  ', probabilities: item.probabilities, propensity: item.propensity, "values": coalesce(item."values", own[i])',
)})`;

/** Answers: those of a group are in memory while they are written, with all their items. */
const GROUP_ROWS = 16_384;

async function writeEvents(
  connection: Database['connection'],
  { log, out, path: lines, number }: { log: EventLog; out: string; path: string; number: number },
): Promise<EventFile> {
  const name = `events-${String(number).padStart(6, '0')}.parquet`;
  const path = join(eventsFolder(out), name);
  const columns = Object.entries(COLUMNS).map(([column, type]) => `"${column}": ${literal(type)}`);
  await execute(
    connection,
    `COPY (
      SELECT ${KIND} AS kind, event_id, time, request_id, scenario, unit, model, experiments, policy.kind AS policy,
        ${ALIKE} AS items, len(shown) AS shown, len(items) + coalesce(len(unshown), 0) AS candidates, "values",
        CASE WHEN json_type(item_values) = 'OBJECT' THEN item_values END AS item_values, sequences, item_id, type, value, count
      FROM (
        SELECT *, ${OWN_VALUES} AS own,
          ${SHOWN} AS shown
        FROM read_json(${filePath(lines)}, format = 'newline_delimited', ignore_errors = true, maximum_object_size = ${MOST_EVENT_BYTES},
          columns = {${columns.join(', ')}}))
    ) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${GROUP_ROWS})`,
    `reading the log ${log.name}`,
  );
  makeDurable(path);
  syncFolder(eventsFolder(out));
  return describe(connection, { log: log.name, name, path });
}

async function describe(
  connection: Database['connection'],
  { log, name, path }: { log: string; name: string; path: string },
): Promise<EventFile> {
  const from = `read_parquet(${filePath(path)})`;
  const kinds = await query(
    connection,
    `SELECT kind, count(*) AS lines, sum(count) AS lost FROM ${from} GROUP BY kind`,
    'counting the events',
  );
  const lines = noLines();
  for (const { kind, lines: found, lost } of kinds) {
    const version = String(kind);
    if (version.startsWith('event/')) throw error('EVENT_VERSION', { path: log, found: version });
    if (kind === 'gap') lines.lost = Number(lost ?? 0);
    else lines[version as (typeof KINDS)[number]] = Number(found);
  }
  const days = await query(
    connection,
    `SELECT time // ${DAY_MS} AS day, count(*) AS impressions, sum(shown) AS shown, max(time) AS last
     FROM ${from} WHERE kind = 'impression' GROUP BY day ORDER BY day`,
    'counting the answers of each day',
  );
  const numbers = days.map(({ day, impressions, shown, last }) => [
    dateOf(Number(day) * DAY_MS),
    { impressions: Number(impressions), shown: Number(shown), last: Number(last) },
  ]);
  return { name, days: Object.fromEntries(numbers), lines };
}

/** Makes what DuckDB wrote safe from a power cut. */
export function makeDurable(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } catch (cause) {
    throw asWriteError(cause, path);
  } finally {
    closeSync(file);
  }
}
