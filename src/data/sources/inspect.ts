/** Looks at the sources of a configuration without preparing them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetConfig } from '../../config/dataset.ts';
import { type Column, isBeside } from '../formats/columns.ts';
import { openDuckDB, query } from '../sql/duckdb.ts';
import { registerNumberText } from '../sql/functions.ts';
import { findSources } from './find.ts';
import { joinedRelation } from './joined.ts';
import type { Source } from './source.ts';
import { createSourceViews } from './views.ts';

/** Column names and types of a query. */
async function describe(connection: DuckDBConnection, sql: string, doing: string): Promise<Column[]> {
  const rows = await query(connection, `DESCRIBE ${sql}`, doing);
  return rows.map((r) => ({ name: String(r.column_name), type: String(r.column_type) }));
}

export interface Inspection {
  sources: Source[];
  /** Columns of the joined rows. */
  columns: Column[];
}

/** Reads only: the sources with their columns, types and row counts, and the columns that expressions can use. */
export async function inspectSources(
  config: DatasetConfig,
  sourceFolder: string,
  options: { memoryLimit?: string } = {},
): Promise<Inspection> {
  const tempFolder = mkdtempSync(join(tmpdir(), 'tributary-inspect-'));
  const files = await findSources(config.sources, sourceFolder);
  const database = await openDuckDB({ ...options, access: { files: files.all }, tempFolder });
  try {
    await registerNumberText(database.connection);
    const sources = await createSourceViews(database.connection, config, files);
    const columns = await describe(
      database.connection,
      `SELECT * FROM ${joinedRelation(config, sources)}`,
      'joining the sources',
    );
    return { sources, columns: columns.filter(({ name }) => !isBeside(name)) };
  } finally {
    database.close();
    rmSync(tempFolder, { recursive: true, force: true });
  }
}
