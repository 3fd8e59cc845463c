/** The scenarios of a proposal: the values of a column with a telling name. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetInput } from '../../config/dataset.ts';
import { viewOf } from '../sources/source.ts';
import { query } from '../sql/duckdb.ts';
import { identifier, literal } from '../sql/text.ts';
import type { ColumnProfile } from './profile.ts';
import { scenarioColumns } from './roles.ts';

export interface Scenario {
  value: DatasetInput['scenario'];
  because: string;
  column?: ColumnProfile;
  /** Rows of each value. */
  rows: number[];
  /** What keeps rows without one out. */
  where: { value: string; because: string }[];
}

export const oneScenario = (because: string): Scenario => ({
  value: { expression: "'all'", values: ['all'] },
  because,
  rows: [],
  where: [],
});

export async function proposeScenario(
  connection: DuckDBConnection,
  columns: ColumnProfile[],
  reference: (c: ColumnProfile) => string,
): Promise<Scenario> {
  const column = scenarioColumns(columns).at(0);
  if (column === undefined)
    return oneScenario('no column of 2 to 20 values has the name of a scenario: all rows are one scenario');
  const plain = await valuesOf(connection, column, identifier(column.name));
  // Values that differ in case alone cannot be two scenarios.
  const isOneInLowerCase = new Set(plain.map(({ text }) => text.toLowerCase())).size < plain.length;
  const found = isOneInLowerCase ? await valuesOf(connection, column, `lower(${identifier(column.name)})`) : plain;
  const values = found.map(({ text }) =>
    /INT/.test(column.type) && Number.isSafeInteger(Number(text)) ? Number(text) : text,
  );
  const missing =
    column.missing > 0 ? `; ${(100 * column.missing).toFixed(1)} % of the rows have none and are left out` : '';
  const lower = isOneInLowerCase ? ', those that differ in case alone together' : '';
  return {
    value: { expression: isOneInLowerCase ? `lower(${reference(column)})` : reference(column), values },
    because: `${values.length} values and the name of a scenario, largest first${lower}${missing}`,
    column,
    rows: found.map(({ rows }) => rows),
    where: [],
  };
}

async function valuesOf(
  connection: DuckDBConnection,
  column: ColumnProfile,
  sql: string,
): Promise<{ text: string; rows: number }[]> {
  const found = await query(
    connection,
    `SELECT ${sql}::VARCHAR AS value, count(*) AS n FROM ${viewOf(column.source)}
     WHERE ${identifier(column.name)} IS NOT NULL GROUP BY ALL ORDER BY n DESC, value`,
    'looking for scenarios',
  );
  return found.map(({ value, n }) => ({ text: String(value), rows: Number(n) }));
}

/** The scenarios without some values, whose rows are left out. */
export function withoutValues(scenario: Scenario, dropped: readonly number[], because: string): Scenario {
  const kept = [...scenario.value.values.keys()].filter((s) => !dropped.includes(s));
  const values = kept.map((s) => scenario.value.values[s]);
  const list = values.map((value) => literal(String(value))).join(', ');
  const names = dropped.map((s) => JSON.stringify(scenario.value.values[s])).join(', ');
  return {
    ...scenario,
    value: { ...scenario.value, values },
    rows: kept.map((s) => scenario.rows[s]),
    where: [
      {
        value: `(${scenario.value.expression})::VARCHAR IN (${list})`,
        because: [...scenario.where.map((before) => before.because), `scenarios ${names}: ${because}`].join('; '),
      },
    ],
  };
}
