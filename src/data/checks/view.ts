/** The joined rows as a view: what the checks count. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { TributaryError } from '../../base/errors/index.ts';
import type { DatasetConfig, ValueField } from '../../config/dataset.ts';
import { checkedValue, type Values } from '../expressions/check.ts';
import { fieldUse, taskUse } from '../expressions/places.ts';
import { allOf, baseColumns, conditions, createKept, KEPT_ROWS, scenarioText } from '../prepare/row-choice.ts';
import { groupKey, labelValue, scenarioIndex, weightValue } from '../prepare/row-values.ts';
import { joinedRelation, rowColumn } from '../sources/joined.ts';
import type { Source } from '../sources/source.ts';
import { execute, queryOne } from '../sql/duckdb.ts';
import { storedField } from '../sql/tokens.ts';

export interface CheckedField {
  config: ValueField;
  /** DuckDB's type of the field's expression. */
  type: string;
  /** Column of the view; absent where `problem` says why the field cannot be stored. */
  column?: string;
  problem?: TributaryError;
}

/** View of the joined rows: f0.. (fields as stored), scenario, l0.. (labels), weight, group_key, row_hash. */
export const VIEW = '"__checked"';

export function describeField(config: ValueField, values: Values, index: number): CheckedField {
  const value = checkedValue(values, fieldUse(config));
  const { type } = value;
  try {
    storedField(config, value);
    return { config, type, column: `f${index}` };
  } catch (problem) {
    if (problem instanceof TributaryError) return { config, type, problem };
    throw problem;
  }
}

/** Finds the rows that `deduplicate` keeps; returns how many it leaves out, undefined where it is not asked for. */
export async function countDuplicates(
  connection: DuckDBConnection,
  config: DatasetConfig,
  values: Values,
  sources: Source[],
): Promise<number | undefined> {
  const numbered = joinedRelation(config, sources, { rowNumbers: true });
  if (!(await createKept(connection, config, values, sources, numbered))) return undefined;
  const chosen = `SELECT count(*) FROM ${numbered} WHERE ${allOf(conditions(config, values))}`;
  const { n } = await queryOne(
    connection,
    `SELECT (${chosen}) - (SELECT count(*) FROM ${KEPT_ROWS}) AS n`,
    'looking for duplicate rows',
  );
  return Number(n);
}

export function relation(
  config: DatasetConfig,
  values: Values,
  sources: Source[],
  deduplicated: boolean,
  { rowNumbers } = { rowNumbers: false },
): string {
  const { where } = conditions(config, values);
  // Rows without a scenario or a time stay: they are counted as what they lack.
  const kept = `((${allOf(conditions(config, values))}) IS NOT TRUE OR ${rowColumn(sources)} IN (SELECT number FROM ${KEPT_ROWS}))`;
  const all = [...(where === undefined ? [] : [where]), ...(deduplicated ? [kept] : [])];
  const joined = joinedRelation(config, sources, { rowNumbers: rowNumbers || deduplicated });
  return all.length === 0 ? joined : `${joined} WHERE ${all.join(' AND ')}`;
}

export async function createView(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
  values: Values,
  fields: CheckedField[],
  from: string,
): Promise<void> {
  const columns = [
    ...fields.flatMap((f) =>
      f.column === undefined
        ? []
        : [`${storedField(f.config, checkedValue(values, fieldUse(f.config))).expression} AS ${f.column}`],
    ),
    `${scenarioIndex(config, values)} AS scenario`,
    `${scenarioText(values)} AS scenario_text`,
    ...config.tasks.flatMap((task, t) => {
      const value = checkedValue(values, taskUse(task));
      return [`${labelValue(value)} AS l${t}`, `${value.sql}::VARCHAR AS t${t}`];
    }),
    ...(config.weight === undefined ? [] : [`${weightValue(values)} AS weight`]),
    ...(config.group === undefined ? [] : [`${groupKey(values)} AS group_key`]),
    `hash(${baseColumns(config, sources).join(', ')}) AS row_hash`,
  ];
  await execute(
    connection,
    `CREATE OR REPLACE TEMP VIEW ${VIEW} AS SELECT ${columns.join(', ')} FROM ${from}`,
    'joining the sources',
  );
}
