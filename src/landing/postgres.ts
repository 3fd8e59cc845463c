/** Rows of queries in PostgreSQL as Parquet files, all of one moment. */
import { createWriteStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { error, TributaryError } from '../base/errors/index.ts';
import { type Database, execute, openDuckDB } from '../data/sql/duckdb.ts';
import { filePath, identifier } from '../data/sql/text.ts';
import { reasonOf, type Server } from '../events/server.ts';
import { checkColumns, keptColumns } from './columns.ts';
import { openSnapshot } from './postgres-snapshot.ts';
import { digitsOf, NUMERIC, type NumericRange, type ServerColumn, typeOf, valueSql } from './postgres-types.ts';
import type { LandedRows } from './record.ts';

/** Rows fetched first; after that as many as have some eight million characters, and no more than these. */
const [FIRST_ROWS, MOST_ROWS, BATCH] = [100, 20_000, 8 * 2 ** 20];
/** Characters of JSON that become one Parquet file: what lies on the disk twice. */
const PART = 128 * 2 ** 20;

export interface PostgresSnapshot {
  /** Rows of a query as Parquet files in the folder. */
  land(source: string, query: string, isNeeded: (column: string) => boolean, folder: string): Promise<LandedRows>;
  close(): Promise<void>;
}

/**
 * A transaction that sees the rows as they are now, and cannot write.
 *
 * @param source whose rows are wanted, for the message
 * @throws LANDING_SERVER
 */
export async function postgresSnapshot(source: string, server: Server): Promise<PostgresSnapshot> {
  const client = await failing(source, server, () => openSnapshot(server.url));
  const time = Date.now();
  return {
    land: (name, query, isNeeded, folder) =>
      failing(name, server, async () => {
        const { columns, leftOut } = await columnsOf(client, name, query, isNeeded);
        return { time, leftOut, rows: await writeParts(client, query, columns, folder) };
      }),
    close: () => client.end().catch(() => {}),
  };
}

/** Errors of the server become ours. Without their cause: it may hold the password. */
async function failing<T>(source: string, server: Server, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof TributaryError) throw cause;
    throw error('LANDING_SERVER', { source, kind: 'PostgreSQL', reason: server.hide(reasonOf(cause)) });
  }
}

interface LandingColumn extends ServerColumn {
  /** Its place in the query. */
  place: number;
  range?: NumericRange;
}

async function columnsOf(
  client: Client,
  source: string,
  query: string,
  isNeeded: (column: string) => boolean,
): Promise<{ columns: LandingColumn[]; leftOut: string[] }> {
  const { fields } = await client.query({ text: `SELECT * FROM (${query}\n) AS t LIMIT 0`, rowMode: 'array' });
  const names = fields.map(({ name }) => name);
  checkColumns(source, names);
  const { kept, leftOut } = keptColumns(names, isNeeded);
  const elements = await elementTypes(client, [...new Set(fields.map(({ dataTypeID }) => dataTypeID))]);
  const columns = fields.flatMap(({ name, dataTypeID, dataTypeModifier }, place): LandingColumn[] =>
    kept.includes(name)
      ? [{ name, place, type: dataTypeID, modifier: dataTypeModifier, element: elements.get(dataTypeID) }]
      : [],
  );
  await measureNumerics(client, query, names.length, columns);
  return { columns, leftOut };
}

/** Types of the elements of arrays, by the type of the array. */
async function elementTypes(client: Client, types: number[]): Promise<Map<number, number>> {
  const { rows } = await client.query<[number, number]>({
    text: "SELECT oid::int8::float8, typelem::int8::float8 FROM pg_type WHERE typcategory = 'A' AND oid = ANY($1::oid[])",
    values: [types],
    rowMode: 'array',
  });
  return new Map(rows.map(([array, element]) => [array, element]));
}

/** Looks at all values of numerics that do not say how many digits they have: no type would do for any of them. */
async function measureNumerics(client: Client, query: string, width: number, columns: LandingColumn[]): Promise<void> {
  const open = columns.filter(
    ({ type, element, modifier }) => type === NUMERIC && element === undefined && digitsOf(modifier) === undefined,
  );
  if (open.length === 0) return;
  const measures = open.map(({ place }) => {
    const value = `c${place}`;
    const finite = `${value} NOT IN ('NaN', 'Infinity', '-Infinity')`;
    return [
      `max(length(trunc(abs(${value}))::text)) FILTER (WHERE ${finite} AND abs(${value}) >= 1)`,
      `max(scale(trim_scale(${value}))) FILTER (WHERE ${finite})`,
      `bool_or(NOT ${finite})`,
    ].join(', ');
  });
  const { rows } = await client.query<(number | boolean | null)[]>({
    text: `SELECT ${measures.join(', ')} FROM (${query}\n) AS t(${places(width)})`,
    rowMode: 'array',
  });
  open.forEach((column, i) => {
    const [whole, scale, special] = rows[0].slice(3 * i);
    column.range = { whole: Number(whole ?? 0), scale: Number(scale ?? 0), special: special === true };
  });
}

/** Names of a query's columns by their places: two of a query may have one name. */
const places = (width: number): string => Array.from({ length: width }, (_, i) => `c${i}`).join(', ');

/** Writes `part-00000.parquet` and so on, with the rows in the order of the query. Returns their number. */
async function writeParts(client: Client, query: string, columns: LandingColumn[], folder: string): Promise<number> {
  const width = Math.max(...columns.map(({ place }) => place)) + 1;
  const texts = columns.map(({ place, element }) =>
    element === undefined ? `c${place}::text AS c${place}` : `to_json(c${place}::text[])::text AS c${place}`,
  );
  await client.query(
    `DECLARE landing NO SCROLL CURSOR FOR SELECT row_to_json(r)::text FROM
     (SELECT ${texts.join(', ')} FROM (${query}\n) AS t(${places(width)})) AS r`,
  );
  const database = await openDuckDB({ access: { folders: [folder] }, tempFolder: folder });
  try {
    const text = join(folder, '.part.jsonl');
    const cursor = new Cursor(client);
    for (let part = 0; !cursor.ended; part++) {
      const before = cursor.rows;
      await pipeline(cursor.part(), createWriteStream(text));
      // A table without rows has its columns all the same.
      if (cursor.rows > before || part === 0)
        await writePart(database, columns, { text, longest: cursor.longest }, partFile(folder, part));
    }
    rmSync(text);
    await client.query('CLOSE landing');
    return cursor.rows;
  } finally {
    database.close();
  }
}

const partFile = (folder: string, part: number): string =>
  join(folder, `part-${String(part).padStart(5, '0')}.parquet`);

/** Rows as lines of JSON. */
class Cursor {
  private readonly client: Client;
  private batch = FIRST_ROWS;
  rows = 0;
  /** Characters of the longest line. */
  longest = 0;
  ended = false;

  constructor(client: Client) {
    this.client = client;
  }

  /** Until there are enough for a file. */
  async *part(): AsyncGenerator<string> {
    for (let size = 0; size < PART && !this.ended; ) {
      const text = `FETCH ${this.batch} FROM landing`;
      const { rows } = await this.client.query<[string]>({ text, rowMode: 'array' });
      this.ended = rows.length < this.batch;
      if (rows.length === 0) return;
      const lines = rows.map(([row]) => `${row}\n`);
      this.longest = lines.reduce((most, { length }) => Math.max(most, length), this.longest);
      const batch = lines.join('');
      this.rows += rows.length;
      this.batch = Math.min(Math.max(Math.floor((BATCH * rows.length) / batch.length), 1), MOST_ROWS);
      size += batch.length;
      yield batch;
    }
  }
}

/** Bytes of a character, at most. */
const BYTES = 4;

/** JSON lines to Parquet. DuckDB wants to know how long a line may be: it takes memory for it. */
async function writePart(
  { connection }: Database,
  columns: LandingColumn[],
  { text, longest }: { text: string; longest: number },
  to: string,
): Promise<void> {
  const texts = columns.map(({ place }) => `c${place}: 'VARCHAR'`);
  const values = columns.map(({ name, place, type, modifier, element, range }) => {
    const isArray = element !== undefined;
    const sql = valueSql(`c${place}`, typeOf(element ?? type, modifier, range), isArray);
    return `${sql} AS ${identifier(name)}`;
  });
  const size = Math.max(BYTES * longest, 2 ** 20);
  const reader = `read_json(${filePath(text)}, format = 'newline_delimited', columns = {${texts.join(', ')}}, maximum_object_size = ${size})`;
  await execute(
    connection,
    `COPY (SELECT ${values.join(', ')} FROM ${reader}) TO ${filePath(to)} (FORMAT parquet, COMPRESSION zstd)`,
    `writing ${to}`,
  );
}
