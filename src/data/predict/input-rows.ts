/** The rows table of a file to be scored. */

import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetConfig } from '../../config/dataset.ts';
import { checkedValue, type Values } from '../expressions/check.ts';
import { checkRows, labelChecks, scenarioCheck } from '../prepare/row-checks.ts';
import { groupKey, inputColumns, labelColumns } from '../prepare/row-values.ts';
import { numberedRows } from '../prepare/rows.ts';
import { givenColumns } from '../prepare/sequences.ts';
import { rowColumn } from '../sources/joined.ts';
import type { Source } from '../sources/source.ts';
import { execute } from '../sql/duckdb.ts';
import type { Expression } from '../sql/one-expression.ts';

/**
 * Creates the table `rows` of rows to be scored, all rows of the base source in its order: `row`, `f0 ...`, `scenario`,
 * which is NULL where the row has none or `where` is not true of it (`excluded`), and the sequences `g0 ...`; `labelled` ones
 * also have `l0 ...` and `group_key`. Throws DATA_SCENARIO_UNKNOWN, DATA_LABEL_INVALID.
 */
export async function createInputRows(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
  values: Values,
  /** All expressions over the rows. */
  expressions: Expression[],
  labelled = false,
): Promise<void> {
  const from = await numberedRows(connection, config, sources, expressions);
  const row = rowColumn(sources);
  const isCounted = config.where === undefined ? 'true' : `coalesce(${checkedValue(values, 'where').sql}, false)`;
  const columns = [
    ...inputColumns(config, values, row),
    ...givenColumns(config, values),
    ...(labelled ? labelColumns(config, values) : []),
    ...(labelled && config.group !== undefined ? [`${groupKey(values)} AS group_key`] : []),
    `NOT (${isCounted}) AS excluded`,
  ].join(', ');
  const counted = (column: string): string =>
    `CASE WHEN NOT excluded AND scenario IS NOT NULL THEN ${column} END AS ${column}`;
  const replaced = [counted('scenario'), ...(labelled ? config.tasks.map((_, i) => counted(`l${i}`)) : [])];
  await execute(
    connection,
    `CREATE TEMP TABLE rows AS SELECT * REPLACE (${replaced.join(', ')})
     FROM (SELECT ${columns} FROM ${from}) ORDER BY row`,
    'computing the rows',
  );
  const checks = [scenarioCheck(config, values), ...(labelled ? labelChecks(config) : [])];
  await checkRows(connection, from, checks, sources, config);
}
