/** The newest day of joined rows on which a model can be judged. */

import { join } from 'node:path';
import type { DatasetConfig } from '../config/dataset.ts';
import { labelColumn } from '../data/prepared/columns.ts';
import { openDuckDB, query } from '../data/sql/duckdb.ts';
import { identifier, literal } from '../data/sql/text.ts';
import type { Round } from '../documents/loop/round.ts';
import { endOfDay } from './stages.ts';

export interface ClosedDay {
  date: string;
  /** Of all rows up to its end. */
  joined: Round['joined'];
}

interface Day {
  date: string;
  rows: number;
  impressions: number;
  /** By task: rows whose label is known, and those of them that are 1. */
  known: number[];
  positive: number[];
}

/**
 * A day is closed when it is over and all labels of at least one task are known. Labels of tasks with longer windows may come later:
 * cells are judged on those that are there. A day can judge only if there are rows to train on before it.
 *
 * @param rows folder of the rows, where the paths of `dataset` start
 * @param from first day of training rows; null: all
 */
export async function closedDay(
  rows: string,
  dataset: DatasetConfig,
  { now, from }: { now: number; from: (day: string) => string | null },
): Promise<ClosedDay | undefined> {
  const tasks = dataset.tasks.map(({ name }) => name);
  const days = await readDays(rows, dataset, tasks);
  const isClosed = ({ date, known, rows: all }: Day): boolean => endOfDay(date) <= now && known.includes(all);
  const hasRows = ({ date }: Day): boolean => days.some((day) => day.date < date && day.date >= (from(date) ?? ''));
  const newest = days.findLast((day) => isClosed(day) && hasRows(day));
  if (newest === undefined) return undefined;
  const upTo = days.slice(0, days.indexOf(newest) + 1);
  const sum = (of: (day: Day) => number): number => upTo.reduce((total, day) => total + of(day), 0);
  return {
    date: newest.date,
    joined: {
      rows: sum((day) => day.rows),
      impressions: sum((day) => day.impressions),
      positives: Object.fromEntries(tasks.map((task, t) => [task, sum(({ positive }) => positive[t])])),
    },
  };
}

/** Days with their counts, oldest first. */
async function readDays(folder: string, { sources }: DatasetConfig, tasks: readonly string[]): Promise<Day[]> {
  const files = [sources.rows.path].flat().map((path) => literal(join(folder, path)));
  const counts = tasks.flatMap((task, t) => {
    const label = identifier(labelColumn(task));
    return [`count(${label}) AS known${t}`, `coalesce(sum(${label}), 0) AS positive${t}`];
  });
  const { connection, close } = await openDuckDB({ access: { folders: [folder] } });
  try {
    const found = await query(
      connection,
      `SELECT strftime(log_time, '%Y-%m-%d') AS date, count(*) AS rows, count(DISTINCT log_request_id) AS impressions,
         ${counts.join(', ')}
       FROM read_parquet([${files.join(', ')}], hive_partitioning = false) GROUP BY 1 ORDER BY 1`,
      'counting the rows of each day',
    );
    return found.map((row) => ({
      date: String(row.date),
      rows: Number(row.rows),
      impressions: Number(row.impressions),
      known: tasks.map((_, t) => Number(row[`known${t}`])),
      positive: tasks.map((_, t) => Number(row[`positive${t}`])),
    }));
  } finally {
    close();
  }
}
