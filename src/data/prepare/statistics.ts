/** What a prepared data set holds, counted: written as statistics.json and read by reports and `validate`. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { type FieldConfig, valueFields } from '../../config/dataset.ts';
import { OUT_OF_VOCABULARY_ID, RESERVED_IDS } from '../encode/ids.ts';
import { fieldColumn, labelColumn, sequenceColumn } from '../prepared/columns.ts';
import { type Manifest, SPLITS } from '../prepared/prepared.ts';
import { query, queryOne } from '../sql/duckdb.ts';
import { filePath, identifier } from '../sql/text.ts';
import type { LeftOut } from './row-choice.ts';
import { presentRows } from './vocabulary.ts';

const count = z.int().min(0);

/** Rows of the base source that are no examples, by the reason of `LeftOut`. */
const leftOut = z.strictObject({ join: count, where: count, scenario: count, time: count, duplicate: count });

export const statisticsSchema = z.strictObject({
  rows: z.record(z.string(), count),
  /** Rows of the base source that are in no part. */
  leftOut: count,
  /** Why. Older data do not say. */
  leftOutBecause: leftOut.optional(),
  fields: z.array(
    z.strictObject({
      field: z.string(),
      /** Tokens with an id of their own (or the size of the hash space). */
      cardinality: count,
      perSplit: z.record(
        z.string(),
        z.strictObject({ missing: count, outOfVocabulary: count, values: count, outOfVocabularyShare: z.number() }),
      ),
    }),
  ),
  /** Absent where the data set has none. */
  sequences: z
    .array(
      z.strictObject({
        /** Type of the sequences. */
        type: z.string(),
        /** Rows whose sequence is empty, and items of all sequences, some of them out of vocabulary. */
        perSplit: z.record(z.string(), z.strictObject({ empty: count, items: count, outOfVocabulary: count })),
      }),
    )
    .optional(),
  cells: z.array(
    z.strictObject({
      split: z.string(),
      scenario: z.string(),
      task: z.string(),
      rows: count,
      positives: count,
      unlabelled: count,
    }),
  ),
});

export type Statistics = z.output<typeof statisticsSchema>;

/**
 * Counts over the encoded files in `folder`. `missing` counts rows without a value; `outOfVocabulary` values (of a
 * multi-value field: list elements) with the out-of-vocabulary id, missing ones included.
 */
export async function computeStatistics(
  connection: DuckDBConnection,
  manifest: Pick<Manifest, 'config' | 'fields' | 'sequences' | 'tasks' | 'scenarios' | 'splits'>,
  folder: string,
  leftOut: LeftOut,
): Promise<Statistics> {
  const { config, fields, sequences, tasks, scenarios, splits } = manifest;
  const doing = 'counting the statistics';
  const statistics: Statistics = {
    rows: Object.fromEntries(SPLITS.map((split) => [split, splits[split].rows])),
    leftOut: Object.values(leftOut).reduce((sum, rows) => sum + rows, 0),
    leftOutBecause: leftOut,
    fields: fields.map((f) => ({ field: f.name, cardinality: f.size - RESERVED_IDS, perSplit: {} })),
    ...(sequences && { sequences: sequences.types.map((type) => ({ type, perSplit: {} })) }),
    cells: [],
  };
  const missing = await countMissing(connection, config.fields);
  for (const [s, split] of SPLITS.entries()) {
    const file = `read_parquet(${filePath(`${folder}/${splits[split].file}`)})`;
    const counts = fields.flatMap((f, i) => {
      const column = `"${fieldColumn(f.name)}"`;
      return f.kind === 'multi'
        ? [
            `coalesce(sum(len(list_filter(${column}, lambda id: id = ${OUT_OF_VOCABULARY_ID}))), 0) AS oov${i}`,
            `coalesce(sum(len(${column})), 0) AS values${i}`,
          ]
        : [`sum((${column} = ${OUT_OF_VOCABULARY_ID})::TINYINT) AS oov${i}`, `count(*) AS values${i}`];
    });
    const found = await queryOne(connection, `SELECT ${counts.join(', ')} FROM ${file}`, doing);
    fields.forEach((_, i) => {
      const outOfVocabulary = Number(found[`oov${i}`]);
      const values = Number(found[`values${i}`]);
      statistics.fields[i].perSplit[split] = {
        missing: missing(s, i),
        outOfVocabulary,
        values,
        outOfVocabularyShare: values === 0 ? 0 : outOfVocabulary / values,
      };
    });
    for (const { type, perSplit } of statistics.sequences ?? [])
      perSplit[split] = await countItems(connection, identifier(sequenceColumn(type)), file);
    const cells = await query(
      connection,
      `SELECT scenario, count(*) AS n, ${tasks.map((t, i) => `count(*) FILTER ("${labelColumn(t)}" = 1) AS p${i}, count("${labelColumn(t)}") AS l${i}`).join(', ')}
       FROM ${file} GROUP BY scenario`,
      doing,
    );
    scenarios.forEach((scenario, index) => {
      const cell = cells.find((c) => Number(c.scenario) === index);
      tasks.forEach((task, i) => {
        const rows = Number(cell?.n ?? 0);
        const labelled = Number(cell?.[`l${i}`] ?? 0);
        statistics.cells.push({
          split,
          scenario,
          task,
          rows,
          positives: Number(cell?.[`p${i}`] ?? 0),
          unlabelled: rows - labelled,
        });
      });
    });
  }
  return statistics;
}

/** Counts rows without a value, by split and field. */
async function countMissing(
  connection: DuckDBConnection,
  fields: FieldConfig[],
): Promise<(split: number, field: number) => number> {
  const doing = 'counting missing values';
  const present = valueFields(fields).map(
    ({ field, index }) => `SELECT ${index} AS field, rows FROM (${presentRows({ field, index })})`,
  );
  const incomplete = await query(
    connection,
    `SELECT field FROM (${present.join(' UNION ALL ')}) WHERE rows < (SELECT count(*) FROM rows)`,
    doing,
  );
  // Only few fields have missing values, as a rule, and only these are counted by split.
  if (incomplete.length === 0) return () => 0;
  const counts = incomplete.map(({ field }) => `count(*) - count(f${field}) AS f${field}`);
  const bySplit = await query(connection, `SELECT split, ${counts.join(', ')} FROM placed GROUP BY split`, doing);
  return (split, field) => Number(bySplit.find((row) => Number(row.split) === split)?.[`f${field}`] ?? 0);
}

/** Counts over a column of sequences. */
async function countItems(
  connection: DuckDBConnection,
  column: string,
  file: string,
): Promise<NonNullable<Statistics['sequences']>[number]['perSplit'][string]> {
  const outOfVocabulary = `len(list_filter(${column}, lambda id: id = ${OUT_OF_VOCABULARY_ID}))`;
  const found = await queryOne(
    connection,
    `SELECT count(*) FILTER (len(${column}) = 0) AS empty, coalesce(sum(len(${column})), 0) AS items,
       coalesce(sum(${outOfVocabulary}), 0) AS oov FROM ${file}`,
    'counting the items of sequences',
  );
  return { empty: Number(found.empty), items: Number(found.items), outOfVocabulary: Number(found.oov) };
}

const label = (task: string): string => identifier(labelColumn(task));

/**
 * Are tasks steps of one another, like impression, click, purchase? True where no row of an encoded file has a task's label 1 and the label 0 of the task before it. Missing labels contradict
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
