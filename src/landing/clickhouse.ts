/** Rows of a query in ClickHouse as a Parquet file, which the server itself writes. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { error, TributaryError } from '../base/errors/index.ts';
import { openDuckDB, queryOne } from '../data/sql/duckdb.ts';
import { filePath } from '../data/sql/text.ts';
import { reasonOf } from '../events/server.ts';
import { checkColumns, keptColumns } from './columns.ts';
import type { DatabaseOrigin } from './origin.ts';
import type { LandedRows } from './record.ts';

const REQUEST_MS = 24 * 3600 * 1000;
/** `readonly: 1` would also forbid the settings that a client sends. */
const READ_ONLY = '2';

/** @throws LANDING_SERVER, LANDING_COLUMNS, DISK_FULL */
export async function landClickHouse(
  source: string,
  { server, query }: DatabaseOrigin,
  isNeeded: (column: string) => boolean,
  folder: string,
): Promise<LandedRows> {
  const { ClickHouseLogLevel, createClient } = await import('@clickhouse/client');
  const settings = { readonly: READ_ONLY, output_format_parquet_string_as_string: 1 as const };
  const time = Date.now();
  const file = join(folder, 'part-00000.parquet');
  try {
    const client = createClient({
      url: server.url,
      application: 'tributary',
      request_timeout: REQUEST_MS,
      // It would print what the server says, a password included.
      log: { level: ClickHouseLogLevel.OFF },
      clickhouse_settings: settings,
    });
    try {
      const described = await client.query({ query: `DESCRIBE TABLE (${query}\n)`, format: 'JSONEachRow' });
      const names = (await described.json<{ name: string }>()).map(({ name }) => name);
      checkColumns(source, names);
      const { kept, leftOut } = keptColumns(names, isNeeded);
      const list = kept.map((name) => `\`${name.replaceAll(/[\\`]/g, '\\$&')}\``).join(', ');
      const { stream } = await client.exec({ query: `SELECT ${list} FROM (${query}\n) FORMAT Parquet` });
      await pipeline(stream, createWriteStream(file));
      return { time, rows: await rowsOf(file), leftOut };
    } finally {
      await client.close();
    }
  } catch (cause) {
    if (cause instanceof TributaryError) throw cause;
    // No cause: it may hold the password.
    throw error('LANDING_SERVER', { source, kind: 'ClickHouse', reason: server.hide(reasonOf(cause)) });
  }
}

/** A query that fails half way leaves a file without its end. */
async function rowsOf(file: string): Promise<number> {
  const { connection, close } = await openDuckDB({ access: { files: [file] } });
  try {
    const sql = `SELECT count(*)::DOUBLE AS n FROM read_parquet(${filePath(file)})`;
    return Number((await queryOne(connection, sql, 'counting the rows that landed')).n);
  } finally {
    close();
  }
}
