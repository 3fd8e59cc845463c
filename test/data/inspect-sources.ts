/** Looks at the sources of a configuration without preparing them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetConfig } from '../../src/config/dataset.ts';
import { type Column, isBeside } from '../../src/data/formats/columns.ts';
import { findSources } from '../../src/data/sources/find.ts';
import { joinedRelation } from '../../src/data/sources/joined.ts';
import type { Source } from '../../src/data/sources/source.ts';
import { createSourceViews } from '../../src/data/sources/views.ts';
import { openDuckDB, query } from '../../src/data/sql/duckdb.ts';
import { registerNumberText } from '../../src/data/sql/functions.ts';

/** Column names and types of a query. */
async function describe(connection: DuckDBConnection, sql: string, doing: string): Promise<Column[]> {
  const rows = await query(connection, `DESCRIBE ${sql}`, doing);
  return rows.map((r) => ({ name: String(r.column_name), type: String(r.column_type) }));
}

interface Inspection {
  sources: Source[];
  /** Columns of the joined rows. */
  columns: Column[];
}

/** Reads only: the sources with their columns, types and row counts, and the columns that expressions can use. */
export async function inspectSources(config: DatasetConfig, sourceFolder: string): Promise<Inspection> {
  const tempFolder = mkdtempSync(join(tmpdir(), 'tributary-inspect-'));
  const files = await findSources(config.sources, sourceFolder);
  const database = await openDuckDB({ access: { files: files.all }, tempFolder });
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
