/** Opens what a table is read from, as a view in a database of its own, with the columns and types of preparation. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { error, TributaryError } from '../base/errors/index.ts';
import { nearest } from '../base/nearest.ts';
import type { FeatureTableConfig } from '../config/features.ts';
import { referencedColumns } from '../data/expressions/columns.ts';
import type { Column } from '../data/formats/columns.ts';
import { findFiles } from '../data/sources/find.ts';
import type { Source, SourceConfig } from '../data/sources/source.ts';
import { createSourceView } from '../data/sources/views.ts';
import { type Database, openDuckDB } from '../data/sql/duckdb.ts';
import { registerNumberText } from '../data/sql/functions.ts';
import { sameName } from '../data/sql/text.ts';
import type { FeatureModel, Preparation, ReadFile } from './contract.ts';
import { writeQuery } from './postgres.ts';

export interface OpenTable {
  name: string;
  config: FeatureTableConfig;
  database: Database;
  /** Named like the source that the table stands for. */
  source: Source;
  settings: SourceConfig;
  /** As the files call it. */
  idColumn: string;
}

/** The files of a table, in reading order; undefined where it is a query. Throws FEATURES_TABLE. */
export async function findTableFiles(name: string, { path }: FeatureTableConfig): Promise<string[] | undefined> {
  if (path === undefined) return undefined;
  return ofTable(name, () => findFiles(name, { path, format: 'auto', encoding: 'auto', nullValues: [''] }, '.'));
}

/** Files as they are now. */
export const asRead = (paths: readonly string[]): ReadFile[] =>
  paths.map((path) => {
    const { size, mtimeMs, ino } = statSync(path);
    return { path, bytes: size, modified: mtimeMs, inode: ino };
  });

/**
 * @param found the files of the table; undefined where it is a query
 * @param work folder where the database may spill
 * @throws FEATURES_SOURCE, FEATURES_TABLE, FEATURES_COLUMN
 */
export async function openTable(
  name: string,
  found: readonly string[] | undefined,
  { preparation, fields, tables: { [name]: config } }: FeatureModel,
  work: string,
): Promise<OpenTable> {
  const source = sourceOf(name, config, preparation);
  mkdirSync(work, { recursive: true });
  const { url, query } = config;
  const rows = join(work, 'rows.jsonl');
  if (url !== undefined && query !== undefined) await writeQuery(name, { url, query }, rows);
  const files = found ?? [rows];
  const trained = preparation.sources[source];
  const database = await openDuckDB({ access: { files: [...files] }, tempFolder: work });
  const { connection } = database;
  try {
    await registerNumberText(connection);
    const [[, wantedId]] = Object.entries(config.on);
    const expressions = fields.map(({ config: field }) => ({
      usedBy: field.name,
      sql: field.expression ?? `"${field.name}"`,
    }));
    const derive = trained.derive ?? {};
    const derived = Object.entries(derive).map(([column, sql]) => ({ usedBy: column, sql }));
    const references = await referencedColumns(connection, [...expressions, ...derived]);
    const named = new Set([wantedId, ...references.flat(2)].map((column) => column.toLowerCase()));
    const isNeeded = (column: string): boolean => named.has(column.toLowerCase());
    const bound = (column: string): Column | undefined =>
      isNeeded(column) ? trained.columns.find((known) => sameName(known.name, column)) : undefined;
    const reading = {
      bound,
      isUnneeded: (column: string) => !isNeeded(column),
      expected: trained.columns.map((column) => column.name).filter(isNeeded),
    };
    const settings: SourceConfig = {
      path: [...files],
      format: 'auto',
      encoding: 'auto',
      nullValues: trained.nullValues,
    };
    const view = (own: SourceConfig): Promise<Source> =>
      ofTable(name, () => createSourceView(connection, source, own, [...files], reading));
    const plain = await view(settings);
    const computable = computableColumns(
      derived.map(({ usedBy }, i) => ({ column: usedBy, needs: references[expressions.length + i].flat() })),
      plain.columns,
    );
    const withDerived = {
      ...settings,
      derive: Object.fromEntries(computable.map((column) => [column, derive[column]])),
    };
    const opened = computable.length === 0 ? plain : await view(withDerived);
    const columns = opened.columns.map((column) => column.name);
    const idColumn = columns.find((column) => sameName(column, wantedId));
    if (idColumn === undefined)
      throw error('FEATURES_COLUMN', { table: name, column: wantedId, near: nearest(wantedId, columns), columns });
    return { name, config, database, source: opened, settings: withDerived, idColumn };
  } catch (cause) {
    database.close();
    throw cause;
  }
}

/** Columns that the configuration derives and this table has all columns for. */
function computableColumns(derived: { column: string; needs: string[] }[], columns: readonly Column[]): string[] {
  const there = columns.map(({ name }) => name);
  const found: string[] = [];
  const has = (name: string): boolean => [...there, ...found].some((known) => sameName(known, name));
  // In their order: each may need those before it.
  for (const { column, needs } of derived) if (needs.every(has)) found.push(column);
  return found;
}

/** The source of the preparation that a table stands for. Throws FEATURES_SOURCE. */
function sourceOf(table: string, { source }: FeatureTableConfig, { sources }: Preparation): string {
  const names = Object.keys(sources);
  const named = (wanted: string): string | undefined => names.find((name) => sameName(name, wanted));
  const found = source === undefined ? (named(table) ?? (names.length === 1 ? names[0] : undefined)) : named(source);
  if (found === undefined) throw error('FEATURES_SOURCE', { table, found: source, sources: names });
  return found;
}

/** Errors of reading, with the table that they are about: each table is one source among several. */
export async function ofTable<T>(table: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    if (!(cause instanceof TributaryError) || cause.code.startsWith('FEATURES_')) throw cause;
    throw error('FEATURES_TABLE', { table, code: cause.code, reason: cause.message }, cause);
  }
}
