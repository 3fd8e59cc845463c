/** The one way to DuckDB: opening with bounds, asking, and turning its errors into the catalogue's. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error, TributaryError } from '../../base/errors/index.ts';

/** The only places that a database opens, whatever SQL it is given. */
export interface Access {
  /** Files to read. */
  files?: string[];
  /** Folders to read and write in. */
  folders?: string[];
}

export interface DatabaseOptions {
  /** Nothing else can be opened, also by statements that a configuration smuggled in. */
  access: Access;
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

/**
 * Opens a database that never fetches extensions and opens no files but those named. Throws DATA_MEMORY_LIMIT_INVALID,
 * FILE_UNWRITABLE.
 */
export async function openDuckDB(options: DatabaseOptions): Promise<Database> {
  const { access, memoryLimit = '1GB', tempFolder, file = ':memory:' } = options;
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
  const forget = watchMemory(connection, memoryLimit);
  await lock(connection, { ...access, folders: [...(access.folders ?? []), ...(tempFolder ? [tempFolder] : [])] });
  return {
    connection,
    memoryLimit,
    close() {
      forget();
      connection.closeSync();
      instance.closeSync();
    },
  };
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];
/** What the process may grow by beside the limit: DuckDB's vectors are not counted. */
const SPARE_BYTES = 4 * 2 ** 30;

/**
 * Interrupts what takes far more memory than the limit: what one value needs is not counted by DuckDB. Checked twice a second;
 * DuckDB stops between two chunks of rows.
 */
function watchMemory(connection: DuckDBConnection, memoryLimit: string): () => void {
  const [, amount, unit] = /^([\d.]+)\s*(\w+)$/.exec(memoryLimit) ?? [];
  const limit = Number(amount) * 1024 ** UNITS.indexOf(unit.toUpperCase().replace('IB', 'B'));
  const most = process.memoryUsage.rss() + 2 * limit + SPARE_BYTES;
  const timer = setInterval(() => {
    if (process.memoryUsage.rss() > most) connection.interrupt();
  }, 500).unref();
  return () => clearInterval(timer);
}

/** Ends the access to all other files, and to the settings; neither can be had back. */
async function lock(connection: DuckDBConnection, { files = [], folders = [] }: Access): Promise<void> {
  // As they are, and as patterns that match them alone: readers ask for the one or the other.
  const list = (paths: string[]): string =>
    `[${[...new Set([...paths, ...paths.map(asPattern)])].map(literal).join(', ')}]::VARCHAR[]`;
  await connection.run(`SET allowed_paths = ${list(files)}`);
  await connection.run(`SET allowed_directories = ${list(folders)}`);
  await connection.run("SET allowed_configs = ['threads']"); // lowered while wide tables are written
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
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

/** `'path'` of one file for DuckDB's readers, which take `*`, `?` and `[` for patterns. */
export const filePath = (path: string): string => literal(asPattern(path));

const asPattern = (path: string): string => path.replaceAll(/[*?[]/g, '[$&]');

/** An expression of the user as part of a query; a comment at its end cannot swallow what follows. */
export const embed = (sql: string): string => `(${sql}\n)`;

/** The catalogue's error for one of DuckDB's; keeps file, line and the reason, drops advice about DuckDB options. */
export function duckdbError(cause: unknown, doing: string): unknown {
  if (cause instanceof TributaryError || !(cause instanceof Error)) return cause;
  const message = cause.message;
  const path = /^\s*file = (.*)$/m.exec(message)?.[1] ?? /[Ff]ile "?'?([^"'\n]+)['"]/.exec(message)?.[1] ?? '';
  if (/No space left on device|max_temp_directory_size|Disk quota exceeded/i.test(message))
    return error('DISK_FULL', { path: path || doing }, cause);
  if (/Permission denied|Read-only file system/.test(message))
    return error('FILE_UNWRITABLE', { path: path || doing, reason: firstLine(message) }, cause);
  if (/operations are disabled by|disabled through configuration|configuration has been locked/.test(message))
    return error('DATA_ACCESS_REFUSED', { doing, path: /(?:file|directory) "([^"]*)"/.exec(message)?.[1] }, cause);
  if (/^INTERRUPT Error/.test(message)) return error('DATA_MEMORY', { doing, memoryLimit: 'twice the limit' }, cause);
  if (/^Out of Memory|could not allocate|failed to allocate/i.test(message)) {
    const memoryLimit = /([\d.]+ [KMGT]iB)\/([\d.]+ [KMGT]iB) used/.exec(message)?.[2] ?? 'the limit';
    return error('DATA_MEMORY', { doing, memoryLimit }, cause);
  }
  if (/CSV Error|Error when sniffing file|CSV Parser|CSV file/i.test(message)) return csvError(cause, path || doing);
  if (/is not (latin-1|utf-8|utf-16|\S+) encoded/.test(message))
    return error('DATA_CSV_INVALID', { path: path || doing, reason: firstLine(message) }, cause);
  if (/JSON in file|Malformed JSON|JSON transform error/.test(message))
    return error(
      'DATA_FILE_DAMAGED',
      {
        path,
        format: 'JSON lines',
        reason: firstLine(message).replace(/^(Malformed JSON|JSON transform error) in file "[^"]*", /, ''),
      },
      cause,
    );
  if (/parquet|magic bytes|Failed to read file|ZSTD_|Snappy|TProtocol|thrift/i.test(message))
    return error('DATA_FILE_DAMAGED', { path: path || doing, format: 'Parquet', reason: firstLine(message) }, cause);
  return error('DATA_FAILED', { doing, reason: firstLine(message) }, cause);
}

function csvError(cause: Error, path: string): TributaryError {
  const message = cause.message;
  if (/was not possible to automatically detect/.test(message))
    return error(
      'DATA_CSV_INVALID',
      { path, reason: 'no delimiter and quotes give all lines equally many values' },
      cause,
    );
  if (/reached an invalid state/.test(message))
    return error(
      'DATA_CSV_INVALID',
      { path, reason: 'its lines end in different ways, or a quote stands within a value without quotes' },
      cause,
    );
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
