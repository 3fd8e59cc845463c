/** The one way to DuckDB: opening with bounds, asking, and turning its errors into the catalogue's. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error, TributaryError } from '../base/errors/index.ts';

export interface DatabaseOptions {
  /** Memory DuckDB may use, like `1GB`; what does not fit goes to `tempFolder`. Default 1GB. */
  memoryLimit?: string;
  /** Where DuckDB spills to. Default: nowhere, all must fit the limit. */
  tempFolder?: string;
  /** Database file. Default: in memory (which counts towards the limit). */
  file?: string;
}

export interface Database {
  connection: DuckDBConnection;
  memoryLimit: string;
  close(): void;
}

/**
 * DuckDB's packages, loaded at first use: they take a quarter of a second and some 50 MB, and neither a command's help nor
 * rows that lie ready to train on need them.
 */
export async function loadDuckDB() {
  const [api, { default: bindings }] = await Promise.all([import('@duckdb/node-api'), import('@duckdb/node-bindings')]);
  return { api, bindings };
}

/** DuckDB's raw vectors. */
export type Bindings = Awaited<ReturnType<typeof loadDuckDB>>['bindings'];

/** Opens a database that never fetches extensions. Throws DATA_MEMORY_LIMIT_INVALID, FILE_UNWRITABLE. */
export async function openDuckDB(options: DatabaseOptions = {}): Promise<Database> {
  const { memoryLimit = '1GB', tempFolder, file = ':memory:' } = options;
  if (!/^\d+(\.\d+)?\s*([KMGT]i?B)$/i.test(memoryLimit))
    throw error('DATA_MEMORY_LIMIT_INVALID', { found: memoryLimit });
  const { DuckDBInstance } = (await loadDuckDB()).api;
  const instance = await DuckDBInstance.create(file, {
    memory_limit: memoryLimit,
    temp_directory: tempFolder ?? '',
    autoinstall_known_extensions: 'false',
    // The rows live for minutes: looking for the best compression takes longer than writing them.
    force_compression: 'uncompressed',
    // Joins hold their right side in memory as written: the smaller one. DuckDB guesses the size of text files, and
    // where it guesses wrong holds all rows.
    disabled_optimizers: 'build_side_probe_side',
  }).catch((cause) => {
    throw duckdbError(cause, `opening ${file}`);
  });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'"); // the text of a time must not depend on the machine
  return {
    connection,
    memoryLimit,
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** Value of a result row: integers of 64 bits come as bigint. */
export type Row = Record<string, unknown>;

/** Runs a query and returns all rows; for small results. `doing` is what the user reads if it fails. */
export async function query(connection: DuckDBConnection, sql: string, doing: string): Promise<Row[]> {
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJS() as Row[];
  } catch (cause) {
    throw duckdbError(cause, doing);
  }
}

/** The first row of a query that gives one. */
export async function queryOne(connection: DuckDBConnection, sql: string, doing: string): Promise<Row> {
  return (await query(connection, sql, doing))[0];
}

/** Runs a statement without reading a result. */
export async function execute(connection: DuckDBConnection, sql: string, doing: string): Promise<void> {
  try {
    await connection.run(sql);
  } catch (cause) {
    throw duckdbError(cause, doing);
  }
}

/** `"name"`, for columns and tables. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** `'text'`. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** An expression of the user as part of a query; a comment at its end cannot swallow what follows. */
export const embed = (sql: string): string => `(${sql}\n)`;

/** The catalogue's error for one of DuckDB's; keeps file, line and the reason, drops advice about DuckDB options. */
export function duckdbError(cause: unknown, doing: string): unknown {
  if (cause instanceof TributaryError || !(cause instanceof Error)) return cause;
  const message = cause.message;
  const path = /^\s*file = (.*)$/m.exec(message)?.[1] ?? /[Ff]ile "?'?([^"'\n]+)['"]/.exec(message)?.[1] ?? '';
  if (/No space left on device|max_temp_directory_size/.test(message))
    return error('DISK_FULL', { path: path || doing }, cause);
  if (/Permission denied|Read-only file system/.test(message))
    return error('FILE_UNWRITABLE', { path: path || doing, reason: firstLine(message) }, cause);
  if (/^Out of Memory|could not allocate|failed to allocate/i.test(message)) {
    const memoryLimit = /([\d.]+ [KMGT]iB)\/([\d.]+ [KMGT]iB) used/.exec(message)?.[2] ?? 'the limit';
    return error('DATA_MEMORY', { doing, memoryLimit }, cause);
  }
  if (message.includes('CSV Error')) return csvError(cause, path);
  if (/JSON in file|Malformed JSON/.test(message))
    return error(
      'DATA_FILE_DAMAGED',
      { path, format: 'JSON lines', reason: firstLine(message).replace(/^Malformed JSON in file "[^"]*", /, '') },
      cause,
    );
  if (/parquet|magic bytes|Failed to read file|ZSTD|Snappy|TProtocol|thrift/i.test(message))
    return error('DATA_FILE_DAMAGED', { path: path || doing, format: 'Parquet', reason: firstLine(message) }, cause);
  return error('DATA_FAILED', { doing, reason: firstLine(message) }, cause);
}

function csvError(cause: Error, path: string): TributaryError {
  const message = cause.message;
  const line = Number(/CSV Error on Line: (\d+)/.exec(message)?.[1]);
  const columns = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message);
  const text = /Original Line: (.*)/.exec(message)?.[1] ?? '';
  if (columns) {
    const delimiter = /^\s*delimiter = (.*?) \((?:Set By User|Auto-Detected)\)$/m.exec(message)?.[1] ?? ',';
    return error(
      'DATA_CSV_ROW',
      { path, line, expected: Number(columns[1]), found: Number(columns[2]), delimiter, text: text.slice(0, 200) },
      cause,
    );
  }
  if (/Invalid unicode/.test(message)) return error('DATA_ENCODING', { path, line, expected: 'UTF-8' }, cause);
  const reason = message
    .split('\n')
    .slice(1)
    .find((l) => l.trim() !== '' && !l.startsWith('Original Line'));
  return error(
    'DATA_CSV_INVALID',
    { path, line: Number.isNaN(line) ? undefined : line, reason: reason?.trim().replace(/\.$/, '') ?? 'malformed' },
    cause,
  );
}

/** DuckDB's reason without the kind of error before it and the query after it. */
function firstLine(message: string): string {
  const lines = message.split('\n').filter((l) => l.trim() !== '');
  return lines[0].replace(/^[A-Z][A-Za-z ]* Error: /, '').replace(/\.$/, '');
}
