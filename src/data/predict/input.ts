/** A file to be scored as the base source: read with the types that training found, joined where it has not all columns itself. */

import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetConfig } from '../../config/dataset.ts';
import { neededColumns, referencedColumns } from '../expressions/columns.ts';
import { fieldExpressions, givenSequences, taskUse } from '../expressions/places.ts';
import type { Column, Reading } from '../formats/columns.ts';
import { firstRecord } from '../formats/csv-records.ts';
import { firstContent } from '../formats/file-kind.ts';
import { formatOf } from '../formats/format.ts';
import { sequenceColumn } from '../prepared/columns.ts';
import type { Manifest } from '../prepared/prepared.ts';
import type { FoundFiles } from '../sources/find.ts';
import { baseSource, type Source } from '../sources/source.ts';
import { createSourceView } from '../sources/views.ts';
import { queryOne } from '../sql/duckdb.ts';
import { readTree, writeTree } from '../sql/finite.ts';
import type { Expression } from '../sql/one-expression.ts';
import { literal, sameName } from '../sql/text.ts';
import type { InputFiles } from './input-files.ts';

type SourceConfig = DatasetConfig['sources'][string];

export interface PredictInput {
  /** How the input is read: joins keep every row, `where` is what of it can be computed. */
  config: DatasetConfig;
  sources: Source[];
  /** All expressions over its rows. */
  expressions: Expression[];
  /** Conditions of `where` that name columns which are not there. */
  ignored: string[];
}

/**
 * Opens the input. Throws what reading sources can throw.
 *
 * @param files those of the input are read one after another
 * @param labelled are labels and groups read, too?
 */
export async function openInput(
  connection: DuckDBConnection,
  manifest: Manifest,
  files: Pick<InputFiles, 'input' | 'joined'>,
  labelled = false,
): Promise<PredictInput> {
  const inputExpressions = (config: DatasetConfig): Expression[] => [
    ...scoredExpressions(config),
    ...(labelled ? labelExpressions(config) : []),
  ];
  const name = baseSource(manifest.config);
  const plain: DatasetConfig = { ...manifest.config, from: name, joins: [] };
  const conditions = await conditionsOf(connection, manifest.config.where);
  const wanted = [...inputExpressions(plain), ...conditions.map((sql) => ({ usedBy: 'where', sql }))];
  const needed = (await neededColumns(connection, manifest.config, wanted)) ?? (() => true);
  const settings = await inputSettings(manifest.config, files.input[0]);
  const reading = readingOf(manifest, needed);
  const input = await createSourceView(connection, name, settings, files.input, reading(name));

  const fields = await referencedColumns(connection, inputExpressions(plain));
  const isOwn = has([input]);
  const isAlone = fields.flat().every(isOwn);
  const keys = Object.keys(manifest.config.joins[0]?.on ?? {});
  const conditionReferences = await referencedColumns(
    connection,
    conditions.map((sql) => ({ usedBy: 'where', sql })),
  );
  const isWanted = conditionReferences.flat().some((reference) => !isOwn(reference) && isJoined(manifest, reference));
  const joinsNothing =
    manifest.config.joins.length === 0 || (isAlone && !(isWanted && keys.every((key) => isOwn([key]))));
  const sources = joinsNothing
    ? [input]
    : [input, ...(await openJoined(connection, manifest.config, files.joined, reading))];
  const joins = joinsNothing ? [] : manifest.config.joins.map((join) => ({ ...join, kind: 'left' as const }));

  const canBe = has(sources);
  const computable = conditions.filter((_, i) => conditionReferences[i].every(canBe));
  const where = computable.length === 0 ? undefined : computable.map((sql) => `(${sql}\n)`).join(' AND ');
  return {
    config: { ...plain, joins, where },
    sources,
    expressions: [...inputExpressions(plain), ...(where === undefined ? [] : [{ usedBy: 'where', sql: where }])],
    ignored: conditions.filter((sql) => !computable.includes(sql)),
  };
}

/** What a row needs to be scored. */
const scoredExpressions = (config: DatasetConfig): Expression[] => [
  ...fieldExpressions(config),
  { usedBy: 'scenario', sql: config.scenario.expression },
  ...givenSequences(config),
];

/** What it needs to be measured as well. */
const labelExpressions = (config: DatasetConfig): Expression[] => [
  ...config.tasks.map((task) => ({ usedBy: taskUse(task), sql: task.label })),
  ...(config.group === undefined ? [] : [{ usedBy: 'group', sql: config.group }]),
];

/** The conditions that all must be true for `where` to be true. */
async function conditionsOf(connection: DuckDBConnection, where: string | undefined): Promise<string[]> {
  if (where === undefined) return [];
  const tree = await queryOne(
    connection,
    `SELECT json_serialize_sql(${literal(`SELECT (${where}\n)`)}) AS tree`,
    'parsing "where"',
  );
  const parsed = readTree(String(tree.tree));
  const [whole] = parsed.statements[0]?.node.select_list ?? [];
  const { type, children } = (whole ?? {}) as { type?: string; children?: unknown[] };
  if (type !== 'CONJUNCTION_AND' || children === undefined) return [where];
  const conditions: string[] = [];
  for (const child of children) {
    const [statement] = parsed.statements;
    const alone = { ...parsed, statements: [{ ...statement, node: { ...statement.node, select_list: [child] } }] };
    const text = `SELECT json_deserialize_sql(${literal(writeTree(alone))}) AS sql`;
    conditions.push(String((await queryOne(connection, text, 'parsing "where"')).sql).replace(/^SELECT /, ''));
  }
  return conditions;
}

const has =
  (sources: Source[]) =>
  ([first, second]: string[]): boolean =>
    sources.some(({ name, columns }) => {
      const column = first === name && second !== undefined ? second : first;
      return columns.some((c) => sameName(c.name, column));
    });

/** Is a column one of a joined source? */
const isJoined = ({ config, columns }: Manifest, [first, second]: string[]): boolean =>
  config.joins.some(({ source }) =>
    columns[source]?.some(
      ({ name }) => name.toLowerCase() === (first === source && second ? second : first).toLowerCase(),
    ),
  );

/** How the columns of a source are read: with the types from training as far as something needs them, the others as texts. */
function readingOf(manifest: Manifest, needed: (column: string) => boolean): (source: string) => Reading {
  const base = baseSource(manifest.config);
  const { sequences } = manifest.config;
  // Where preparation read lists, their columns are read as they were there.
  const given = sequences?.given === undefined ? Object.keys(sequences?.types ?? {}).map(sequenceColumn) : [];
  const isGiven = (name: string): boolean => given.some((column) => sameName(column, name));
  const types = manifest.config.sources[base];
  return (source) => {
    const isBase = source === base;
    // A file that needs no joins has the columns of joined sources itself.
    const places = isBase ? [base, ...manifest.config.joins.map((join) => join.source)] : [source];
    const known = (name: string): Column | undefined =>
      places.flatMap((place) => manifest.columns[place] ?? []).find((c) => sameName(c.name, name));
    const bound = (name: string): Column | undefined =>
      isBase && isGiven(name) ? { name, type: 'VARCHAR' } : needed(name) ? known(name) : undefined;
    const columns = (manifest.columns[source] ?? []).map(({ name }) => name).filter(needed);
    const first = [types.path].flat()[0];
    return {
      bound,
      isUnneeded: (name) => bound(name) === undefined,
      expected: isBase ? [...columns, ...given] : columns,
      isSparse: isBase && (types.format === 'auto' ? formatOf(first) : types.format) === 'json',
    };
  };
}

async function openJoined(
  connection: DuckDBConnection,
  config: DatasetConfig,
  files: FoundFiles,
  reading: (source: string) => Reading,
): Promise<Source[]> {
  const sources: Source[] = [];
  for (const { source } of config.joins)
    sources.push(await createSourceView(connection, source, config.sources[source], files.of(source), reading(source)));
  return sources;
}

const NAMED = /\.(parquet|pq|csv|tsv|txt|json|jsonl|ndjson)(\.gz|\.zst)?$/i;

/** How to read the input: like the base source if it looks like it, else by what is found out. */
async function inputSettings(config: DatasetConfig, path: string): Promise<SourceConfig> {
  const base = config.sources[baseSource(config)];
  const { nullValues, derive } = base;
  const format = NAMED.test(path) ? ('auto' as const) : base.format;
  const plain = { path, format, encoding: 'auto' as const, nullValues, derive };
  if ((format === 'auto' ? formatOf(path) : format) !== 'csv') return plain;
  const line = (await firstContent(path)).toString('latin1').split(/[\r\n]/)[0];
  if (base.delimiter !== undefined && !line.includes(base.delimiter)) return plain;
  const like: SourceConfig = { ...base, path, format: 'csv', fileColumn: undefined };
  if (base.header !== false || base.columns === undefined || base.delimiter === undefined) return like;
  // Names that the base source lacks and the configuration gives may stand in the first line of the input.
  const names = firstRecord(line, { delimiter: base.delimiter, quote: base.quote ?? '"', escape: base.quote ?? '"' });
  const isHeader = names.some((name) => base.columns?.some((column) => sameName(column, name)));
  return isHeader ? { ...like, header: true, columns: undefined } : like;
}
