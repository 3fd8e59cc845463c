/** What a source gives: its columns by name, and its rows as texts. */

import { findSources } from '../../src/data/sources/find.ts';
import { createSourceViews } from '../../src/data/sources/views.ts';
import { openDuckDB, query } from '../../src/data/sql/duckdb.ts';
import { registerNumberText } from '../../src/data/sql/functions.ts';
import { dataset, EVERYWHERE, temporaryFolder } from './support.ts';

export interface ReadSource {
  types: Record<string, string>;
  /** By row; lists as DuckDB prints them. */
  rows: Record<string, string | null>[];
}

/** Reads files, given by name and content, as the source `t`. */
export function readFiles(
  files: Record<string, string | Uint8Array>,
  source: { path: string | string[] } & Record<string, unknown>,
): Promise<ReadSource> {
  return readSource(temporaryFolder(files), source);
}

export async function readSource(
  folder: string,
  source: { path: string | string[] } & Record<string, unknown>,
): Promise<ReadSource> {
  const config = dataset({
    name: 'test',
    sources: { t: source },
    fields: [{ name: 'a', kind: 'categorical' }],
    scenario: { expression: '0', values: [0] },
    tasks: [{ name: 'click', label: '1' }],
  });
  const { connection, close } = await openDuckDB(EVERYWHERE);
  try {
    await registerNumberText(connection);
    const [{ columns }] = await createSourceViews(connection, config, await findSources(config.sources, folder));
    const texts = columns.map(({ name }) => `"${name}"::VARCHAR AS "${name}"`);
    const rows = await query(connection, `SELECT ${texts.join(', ')} FROM sources.t`, 'reading');
    return {
      types: Object.fromEntries(columns.map(({ name, type }) => [name, type])),
      rows: rows as Record<string, string | null>[],
    };
  } finally {
    close();
  }
}
