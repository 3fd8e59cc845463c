/** Sources as DuckDB views: files found, formats settled, types known. */
import { statSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import type { Misfit, Part } from '../formats/bind.ts';
import type { Column, Reading } from '../formats/columns.ts';
import { checkFileKind } from '../formats/file-kind.ts';
import { readingFiles } from '../formats/format.ts';
import { SOURCE_SCHEMA } from '../sql/allowed.ts';
import { execute, queryOne } from '../sql/duckdb.ts';
import { hasMissing, present } from '../sql/missing.ts';
import { identifier } from '../sql/text.ts';
import { deriveColumns } from './derive.ts';
import type { FoundFiles } from './find.ts';
import { originalOf } from './original.ts';
import { commonFormat, planSource, selectParts } from './plan.ts';
import { type Source, type SourceConfig, viewOf } from './source.ts';

/**
 * Makes one view per source, named like it, and returns what is in them. `reading` says how the columns of a source are read.
 * Throws DATA_FILES_MISSING, DATA_FILE_EMPTY, DATA_FILE_KIND, DATA_FOLDER, DATA_CSV_*, DATA_ENCODING*, DATA_FILE_DAMAGED,
 * DATA_TYPES_DIFFER.
 */
export async function createSourceViews(
  connection: DuckDBConnection,
  config: DatasetConfig,
  files: FoundFiles,
  reading: (source: string) => Reading = () => ({}),
): Promise<Source[]> {
  const sources: Source[] = [];
  for (const [name, source] of Object.entries(config.sources))
    sources.push(await createSourceView(connection, name, source, files.of(name), reading(name)));
  return sources;
}

/** Makes the view of one source from files already found. */
export async function createSourceView(
  connection: DuckDBConnection,
  name: string,
  config: SourceConfig,
  files: string[],
  reading: Reading = {},
): Promise<Source> {
  const format = config.format === 'auto' ? commonFormat(name, files) : config.format;
  for (const path of files) {
    if (statSync(path).size === 0) throw error('DATA_FILE_EMPTY', { path, source: name });
    checkFileKind(path, format);
  }
  const plan = await planSource(connection, name, format, config, files, reading);
  const { read, parts, rows: counted } = plan;
  const { rows, misfits } = await countRows(connection, readingFiles(name, files), read, parts, counted);
  if (rows === 0) throw error('DATA_FILE_EMPTY', { path: files[0], source: name });
  const own = parts.map(({ column }) => withoutCopies(column, misfits.get(column.name.toLowerCase())));
  // Texts of a CSV were read with the empty one as NULL.
  const changed = format === 'csv' ? own.filter(({ type }) => type !== 'VARCHAR') : own;
  const columns = await createView(connection, name, config, selectParts(read, parts), own, changed);
  return { name, format, files, columns, rows, misfits, original: originalOf(config, plan, misfits) };
}

/** A column that holds integers which are all printed as they were written needs no separate text. */
function withoutCopies(column: Column, misfit: Misfit | undefined): Column {
  const isExact = misfit?.values === 0 && misfit.notNumbers === 0 && misfit.respelled === 0;
  return isExact && column.type === 'BIGINT' ? { name: column.name, type: column.type } : column;
}

/** Counts the rows, unless that is done, and the values that do not fit the types they are bound to. */
async function countRows(
  connection: DuckDBConnection,
  doing: string,
  read: string,
  parts: Part[],
  counted: number | undefined,
): Promise<{ rows: number; misfits: Map<string, Misfit> }> {
  const checked = parts.filter(({ unfit }) => unfit !== undefined);
  if (counted !== undefined && checked.length === 0) return { rows: counted, misfits: new Map() };
  const counts = checked.flatMap(({ unfit, notNumber = 'false', respelled = 'false' }, i) => [
    `count(*) FILTER (${unfit}) AS unfit${i}`,
    `count(*) FILTER (${notNumber}) AS not_number${i}`,
    `count(*) FILTER (${respelled}) AS respelled${i}`,
  ]);
  const found = await queryOne(
    connection,
    `SELECT ${['count(*) AS rows', ...counts].join(', ')} FROM (${read})`,
    doing,
  );
  const misfits = checked.map(({ column }, i): [string, Misfit] => [
    column.name.toLowerCase(),
    {
      values: Number(found[`unfit${i}`]),
      notNumbers: Number(found[`not_number${i}`]),
      respelled: Number(found[`respelled${i}`]),
    },
  ]);
  return { rows: Number(found.rows), misfits: new Map(misfits) };
}

/** Makes the view of a source out of what reads its files; returns its columns. Throws DATA_EXPRESSION_INVALID. */
async function createView(
  connection: DuckDBConnection,
  name: string,
  config: SourceConfig,
  read: string,
  own: Column[],
  mayMiss: Column[],
): Promise<Column[]> {
  const replaced = mayMiss
    .filter(({ type }) => hasMissing(type))
    .map(({ name, type }) => `${present(identifier(name), type)} AS ${identifier(name)}`);
  const known = replaced.length === 0 ? read : `SELECT * REPLACE (${replaced.join(', ')}) FROM (${read})`;
  const { sql, columns } = await deriveColumns(connection, name, config, known, own);
  await execute(connection, `CREATE SCHEMA IF NOT EXISTS ${SOURCE_SCHEMA}`, 'making room for the sources');
  await execute(connection, `CREATE OR REPLACE VIEW ${viewOf(name)} AS ${sql}`, `reading source "${name}"`);
  return columns;
}
