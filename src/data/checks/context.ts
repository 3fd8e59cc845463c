/**
 * What the checks look at: the joined rows as a view, counted in three scans, and one more for every 128 fields. Checks that
 * need groups of rows work on a sample held in memory.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { type DatasetConfig, valueFields } from '../../config/dataset.ts';
import { checkedValue, type Values } from '../expressions/check.ts';
import type { Source } from '../sources/source.ts';
import { execute, queryOne } from '../sql/duckdb.ts';
import { readTextTimes, type TextTimes, timeText } from '../sql/times.ts';
import { type Counted, countCells, countTotals, type ScenarioCounts } from './counts.ts';
import { type CheckedField, countDuplicates, createView, describeField, relation, VIEW } from './view.ts';

/** Rows that the sample aims at, and values, where there are many fields: it lies in memory. */
const SAMPLE_ROWS = 400_000;

const SAMPLE_VALUES = 20_000_000;

export interface Context {
  connection: DuckDBConnection;
  config: DatasetConfig;
  sources: Source[];
  values: Values;
  fields: CheckedField[];
  /**
   * What stands after FROM for the joined rows that `where` and `deduplicate` leave, with a WHERE at its end; with row numbers
   * where asked.
   */
  from: (options?: { rowNumbers: boolean }) => string;
  /** What times written as texts say, looked at once for each place of the configuration. Throws DATA_TIME_TEXT. */
  textTimes: (used: { usedBy: string; expression: string }) => Promise<TextTimes>;
  /** Rows of the view: those of the base source that joins, `where` and `deduplicate` leave. */
  rows: number;
  /** Rows that `deduplicate` leaves out. */
  duplicates: number;
  /** By field name; only fields with a column. */
  counted: Map<string, Counted>;
  group: Counted | undefined;
  labels: { invalid: number; missing: number; example: string }[];
  weightInvalid: number;
  /** Rows whose scenario is none of the values, and rows without one. */
  scenarios: { unknown: number; missing: number };
  cells: ScenarioCounts[];
  /** Rows in the sample; one in `sampleEvery`. Equal rows are in it together or not at all. */
  sampleRows: number;
  sampleEvery: number;
}

/** Table of the sampled rows of the view. */
export const SAMPLE = '"__sample"';

/** Counts everything that more than one check needs. */
export async function createContext(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
  values: Values,
): Promise<Context> {
  const fields = valueFields(config.fields).map(({ field, index }) => describeField(field, values, index));
  const duplicates = await countDuplicates(connection, config, values, sources);
  const from: Context['from'] = (options) => relation(config, values, sources, duplicates !== undefined, options);
  const looked = new Map<string, Promise<TextTimes>>();
  await createView(connection, config, sources, values, fields, from());
  const totals = await countTotals(connection, config, fields);
  const rows = Number(totals.rows);
  const sampleEvery = Math.max(1, Math.ceil(rows / Math.min(SAMPLE_ROWS, Math.ceil(SAMPLE_VALUES / fields.length))));
  await execute(
    connection,
    `CREATE OR REPLACE TEMP TABLE ${SAMPLE} AS SELECT * FROM ${VIEW} WHERE row_hash % ${sampleEvery} = 0`,
    'taking a sample',
  );
  const sampled = await queryOne(connection, `SELECT count(*) AS n FROM ${SAMPLE}`, 'taking a sample');
  const counted = (name: string): Counted => ({
    missing: rows - Number(totals[`n_${name}`]),
    roughlyDistinct: Number(totals[`d_${name}`]),
    constant: totals[`c_${name}`] === true,
  });
  return {
    connection,
    config,
    sources,
    values,
    fields,
    from,
    textTimes(used) {
      const { sql } = checkedValue(values, used.usedBy);
      const times = looked.get(used.usedBy) ?? readTextTimes(connection, from(), timeText(sql), used);
      looked.set(used.usedBy, times);
      return times;
    },
    duplicates: duplicates ?? 0,
    rows,
    counted: new Map(fields.flatMap((f) => (f.column === undefined ? [] : [[f.config.name, counted(f.column)]]))),
    group: config.group === undefined ? undefined : counted('group_key'),
    labels: config.tasks.map((_, t) => ({
      invalid: Number(totals[`invalid${t}`]),
      missing: Number(totals[`missing${t}`]),
      example: String(totals[`example${t}`]),
    })),
    weightInvalid: Number(totals.weight_invalid ?? 0),
    scenarios: { unknown: Number(totals.scenario_unknown), missing: Number(totals.scenario_missing) },
    cells: await countCells(connection, config),
    sampleRows: Number(sampled.n),
    sampleEvery,
  };
}
