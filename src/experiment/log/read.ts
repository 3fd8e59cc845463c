/**
 * A log as columns, for one report: what experiments need of its events. Files of columns are kept in a folder with a description of
 * how far the log was read, so that who looks again reads only what is new.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { asWriteError, readText, writeFileAtomic } from '../../base/files.ts';
import { seal, unseal } from '../../base/seal.ts';
import { type Database, execute, openDuckDB, query } from '../../data/sql/duckdb.ts';
import { filePath, literal } from '../../data/sql/text.ts';
import { copiesOf } from '../../events/copies.ts';
import {
  HEAD_COLUMNS,
  IS_LATER,
  IS_WHOLE,
  ITEMS,
  itemSql,
  MOST_EVENT_BYTES,
  REACTION_COLUMNS,
  SHOWN,
} from '../../events/layout/sql.ts';
import type { EventLog } from '../../events/log.ts';

export interface LogColumns extends Database {
  /** Of the log. */
  name: string;
  close(): void;
}

export interface ColumnsOptions {
  /** Where files of columns stay. Default: a temporary folder. */
  folder?: string;
  /** Memory of DuckDB. Default 1GB. */
  memoryLimit?: string;
}

/** What is read of an event; `event.ts` and `compact.ts` describe it. */
const COLUMNS = {
  ...HEAD_COLUMNS,
  took_ms: 'DOUBLE',
  experiments: 'STRUCT("key" VARCHAR, arm VARCHAR, bucket DOUBLE, bucket_version INTEGER, failed VARCHAR)[]',
  policy: 'STRUCT(kind VARCHAR, model VARCHAR)',
  items: ITEMS,
  unshown: ITEMS,
  ...REACTION_COLUMNS,
};

const stateSchema = z.strictObject({
  schema: z.literal('experiment-columns/1'),
  log: z.string(),
  /** Where to go on. */
  cursor: z.string().optional(),
  files: z.array(z.string()),
});
type State = z.output<typeof stateSchema>;

/**
 * Opens a database with the view `events` over the whole log.
 *
 * @throws EVENT_LOG_EMPTY, EVENT_VERSION, EVENT_STORE, FILE_MISSING, FILE_UNREADABLE, FILE_UNWRITABLE, DISK_FULL
 */
export async function openColumns(log: EventLog, { folder, memoryLimit }: ColumnsOptions = {}): Promise<LogColumns> {
  const own = folder ?? mkdtempSync(join(tmpdir(), 'tributary-experiment-'));
  const work = join(own, 'work');
  const leave = (): void => rmSync(folder === undefined ? own : work, { recursive: true, force: true });
  try {
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    const database = await openDuckDB({
      access: { folders: [own] },
      memoryLimit,
      tempFolder: work,
      file: join(work, 'experiment.duckdb'),
    });
    try {
      const files = await readNew(database.connection, log, own, work);
      const list = files.map((name) => filePath(join(own, name))).join(', ');
      await execute(
        database.connection,
        `CREATE VIEW events AS SELECT * FROM read_parquet([${list}])`,
        'opening the events',
      );
    } catch (cause) {
      database.close();
      throw cause;
    }
    return {
      ...database,
      name: log.name,
      close() {
        database.close();
        leave();
      },
    };
  } catch (cause) {
    leave();
    throw asWriteError(cause, own);
  }
}

/** Reads what is new in the log; returns the names of all files of columns. */
async function readNew(
  connection: Database['connection'],
  log: EventLog,
  own: string,
  work: string,
): Promise<string[]> {
  let state = readState(own, log.name);
  for (const name of readdirSync(own))
    if (name.endsWith('.parquet') && !state.files.includes(name)) rmSync(join(own, name));
  for await (const { path, cursor } of copiesOf(log, work, state.cursor)) {
    const name = `events-${String(state.files.length).padStart(6, '0')}.parquet`;
    await writeColumns(connection, path, join(own, name), log.name);
    rmSync(path);
    state = { ...state, cursor, files: [...state.files, name] };
    writeFileAtomic(statePath(own), seal(state));
  }
  if (state.files.length === 0) throw error('EVENT_LOG_EMPTY', { log: log.name });
  return state.files;
}

const statePath = (own: string): string => join(own, 'columns.json');

/** Of another log, or damaged: the log is read anew. */
function readState(own: string, log: string): State {
  const none: State = { schema: 'experiment-columns/1', log, files: [] };
  if (!existsSync(statePath(own))) return none;
  const content = unseal(readText(statePath(own), 'the description of columns'));
  const parsed = stateSchema.safeParse('value' in content ? content.value : undefined);
  return parsed.success && parsed.data.log === log ? parsed.data : none;
}

/** Items of `event/1` that were not shown have no position, whatever their place in the list. */
const alike = (items: string): string =>
  `list_transform(${items}, lambda item, i: ${itemSql('item', "CASE WHEN schema <> 'event/1' THEN i END")})`;

async function writeColumns(connection: Database['connection'], from: string, to: string, log: string): Promise<void> {
  const columns = Object.entries(COLUMNS).map(([column, type]) => `"${column}": ${literal(type)}`);
  // Of shadows the candidates that nobody saw count as well.
  const unshown = `list_transform(unshown, lambda item: ${itemSql('item', 'NULL')})`;
  const kept = `CASE WHEN policy.kind = 'shadow' THEN list_concat(${alike('items')}, ${unshown}) ELSE ${alike(SHOWN)} END`;
  await execute(
    connection,
    `COPY (
      SELECT schema, event_id, kind, time, request_id, scenario, unit, model, took_ms, experiments, policy.kind AS policy,
        policy.model AS other, ${kept} AS items, item_id, type, value
      FROM read_json(${filePath(from)}, format = 'newline_delimited', ignore_errors = true, maximum_object_size = ${MOST_EVENT_BYTES},
        columns = {${columns.join(', ')}})
      WHERE (${IS_WHOLE}) OR (${IS_LATER})
    ) TO ${literal(to)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 16384)`,
    `reading the log ${log}`,
  );
  const [other] = await query(
    connection,
    `SELECT schema FROM read_parquet(${filePath(to)}) WHERE ${IS_LATER} LIMIT 1`,
    'checking the versions of the events',
  );
  if (other !== undefined) throw error('EVENT_VERSION', { path: log, found: String(other.schema) });
}
