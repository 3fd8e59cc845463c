/** Whether tasks are steps of one another: impression, click, purchase. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { labelColumn } from '../prepared/columns.ts';
import { queryOne } from '../sql/duckdb.ts';
import { filePath, identifier } from '../sql/text.ts';

const label = (task: string): string => identifier(labelColumn(task));

/**
 * True where no row of an encoded file has a task's label 1 and the label 0 of the task before it. Missing labels contradict
 * nothing, and one task is in order by itself.
 */
export async function tasksAreOrdered(
  connection: DuckDBConnection,
  tasks: readonly string[],
  file: string,
): Promise<boolean> {
  const against = tasks.slice(1).map((task, i) => `(${label(tasks[i])} = 0 AND ${label(task)} = 1)`);
  if (against.length === 0) return true;
  const { rows } = await queryOne(
    connection,
    `SELECT count(*) AS rows FROM read_parquet(${filePath(file)}) WHERE ${against.join(' OR ')}`,
    'looking for an order of the tasks',
  );
  return Number(rows) === 0;
}
