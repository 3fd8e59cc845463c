/**
 * Rows of a query in PostgreSQL as a file of JSON lines: numbers in all their digits, texts as they are, arrays as lists. From there
 * on they are read like any file, with the types that training found.
 */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { error } from '../base/errors/index.ts';
import { reasonOf, type Server, serverOf } from '../events/server.ts';
import { openSnapshot } from '../landing/postgres-snapshot.ts';

/** Rows fetched at once. */
const ROWS = 5000;

/**
 * Writes the rows of a query, as they are at one moment. The query cannot write.
 *
 * @param url `env:NAME`
 * @throws EVENTS_SECRET, EVENTS_URL, FEATURES_TABLE
 */
export async function writeQuery(
  table: string,
  { url, query }: { url: string; query: string },
  path: string,
): Promise<void> {
  const server = serverOf(url, ['postgres:', 'postgresql:'], `features.tables.${table}.url`);
  try {
    await copyRows(server, query, path);
  } catch (cause) {
    // No cause: it may hold the password.
    throw error('FEATURES_TABLE', { table, code: 'POSTGRES', reason: server.hide(reasonOf(cause)) });
  }
}

async function copyRows({ url }: Server, query: string, path: string): Promise<void> {
  const client = await openSnapshot(url);
  try {
    await client.query(
      `DECLARE features NO SCROLL CURSOR FOR SELECT row_to_json(t)::text AS row FROM (${query}\n) AS t`,
    );
    // Opened when there is something to write: a file whose folder is gone meanwhile would fail after nobody listens.
    await pipeline(linesOf(client), createWriteStream(path));
  } finally {
    await client.end().catch(() => {});
  }
}

async function* linesOf(client: Client): AsyncGenerator<string> {
  for (;;) {
    const { rows } = await client.query<{ row: string }>(`FETCH ${ROWS} FROM features`);
    if (rows.length === 0) return;
    yield rows.map(({ row }) => `${row}\n`).join('');
  }
}
