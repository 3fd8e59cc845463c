/** The one way to DuckDB: it is opened with bounds, and asked here. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import { duckdbError } from './errors.ts';
import { asPattern, literal } from './text.ts';

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

/** Growth of the process allowed above the limit: DuckDB does not count its vectors. */
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
