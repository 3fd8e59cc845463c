/**
 * Rows of databases and programs as files. Each source lands in a folder of its own, which appears as a whole or not at all; from
 * there on it is read like any source of files.
 */
import { resolve } from 'node:path';
import { error } from '../base/errors/index.ts';
import { writeFolder } from '../base/folders.ts';
import type { DatasetConfig } from '../config/dataset.ts';
import { neededColumns } from '../data/expressions/columns.ts';
import type { SourceConfig } from '../data/sources/source.ts';
import { openDuckDB } from '../data/sql/duckdb.ts';
import { landClickHouse } from './clickhouse.ts';
import { landCommand } from './command.ts';
import { type Origin, originOf } from './origin.ts';
import { type PostgresSnapshot, postgresSnapshot } from './postgres.ts';
import { checkLanded, type LandedRows, type Landing, readLanding, writeLanding } from './record.ts';

export interface LandOptions {
  config: DatasetConfig;
  /** Where relative paths of the sources start. */
  sourceFolder: string;
  /** Uses what landed before, without asking a server or running a program. */
  landed?: boolean;
  /** Called when rows have landed, or those that landed before are used. */
  onLanded?: (event: LandedEvent) => void;
}

export interface LandedEvent {
  event: 'landed';
  source: string;
  folder: string;
  /** False where rows that landed before are used. */
  fresh: boolean;
  landing: Landing;
}

interface Task {
  source: string;
  folder: string;
  config: SourceConfig;
  origin: Origin;
}

/**
 * Lands all sources of a configuration that are no files. Those of one PostgreSQL server are of one moment: one transaction reads
 * them all. Columns that the configuration does not need stay where they are.
 *
 * @throws EVENTS_SECRET, EVENTS_URL, LANDING_SERVER, LANDING_COMMAND, LANDING_COLUMNS, LANDING_MISSING, LANDING_OCCUPIED; then
 *   the folder of that source is as it was
 */
export async function landSources({ config, sourceFolder, landed = false, onLanded }: LandOptions): Promise<void> {
  const tasks = Object.entries(config.sources).flatMap(([source, own]): Task[] => {
    const origin = originOf(source, own);
    return origin === undefined
      ? []
      : [{ source, folder: resolve(sourceFolder, String(own.path)), config: own, origin }];
  });
  if (tasks.length === 0) return;
  const isNeeded = await columnsOf(config);
  const snapshots = new Map<string, PostgresSnapshot>();
  try {
    for (const task of tasks) {
      const { source, folder } = task;
      const before = usable(task, isNeeded, landed);
      const landing = before ?? (await land(task, isNeeded, snapshots));
      onLanded?.({ event: 'landed', source, folder, fresh: before === undefined, landing });
    }
  } finally {
    for (const snapshot of snapshots.values()) await snapshot.close();
  }
}

/** Which columns a configuration may need. */
async function columnsOf(config: DatasetConfig): Promise<(column: string) => boolean> {
  const { connection, close } = await openDuckDB({ access: {} });
  try {
    return (await neededColumns(connection, config)) ?? (() => true);
  } finally {
    close();
  }
}

/** What landed before, where it will do. Throws LANDING_MISSING where it must do and does not. */
function usable(
  { source, folder, origin }: Task,
  isNeeded: (column: string) => boolean,
  must: boolean,
): Landing | undefined {
  const landing = readLanding(folder);
  const problem =
    landing === undefined
      ? 'nothing has landed there'
      : landing.key !== origin.key
        ? 'what landed there is of another query, server or program'
        : landing.leftOut.some(isNeeded)
          ? `columns that are needed did not land: ${landing.leftOut.filter(isNeeded).join(', ')}`
          : undefined;
  if (must && problem !== undefined) throw error('LANDING_MISSING', { source, folder, problem });
  const isNamed = origin.snapshot !== undefined && landing?.snapshot === origin.snapshot;
  return problem === undefined && (must || isNamed) ? landing : undefined;
}

async function land(
  { source, folder, config, origin }: Task,
  isNeeded: (column: string) => boolean,
  snapshots: Map<string, PostgresSnapshot>,
): Promise<Landing> {
  const write = async (staging: string): Promise<LandedRows> => {
    if (origin.kind === 'command') return landCommand(source, origin.words, config.format, staging);
    if (origin.kind === 'clickhouse') return landClickHouse(source, origin, isNeeded, staging);
    const { url } = origin.server;
    const snapshot = snapshots.get(url) ?? (await postgresSnapshot(source, origin.server));
    snapshots.set(url, snapshot);
    return snapshot.land(source, origin.query, isNeeded, staging);
  };
  return writeFolder(
    folder,
    async (staging) => {
      const rows = await write(staging);
      return writeLanding(staging, { ...rows, key: origin.key, from: origin.from, snapshot: origin.snapshot });
    },
    (found) => checkLanded(found, source),
  );
}
