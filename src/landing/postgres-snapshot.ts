/** Connections that see the rows of PostgreSQL as they are at one moment, and cannot write. */
import type { Client } from 'pg';

const CONNECT_MS = 10_000;

/** Texts of values do not depend on the settings of the server. */
const SETTINGS = {
  TimeZone: "'UTC'",
  DateStyle: "'ISO'",
  IntervalStyle: "'iso_8601'",
  bytea_output: "'hex'",
  extra_float_digits: '1',
  statement_timeout: '0',
};

/** The client of an open transaction. End it to end both. Throws errors of the server, which may hold its URL. */
export async function openSnapshot(url: string): Promise<Client> {
  const { default: pg } = await import('pg');
  const client: Client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    application_name: 'tributary',
  });
  client.on('error', () => {}); // the query that runs fails, too
  try {
    await client.connect();
    for (const [name, value] of Object.entries(SETTINGS)) await client.query(`SET ${name} = ${value}`);
    await client.query('BEGIN TRANSACTION READ ONLY ISOLATION LEVEL REPEATABLE READ');
    return client;
  } catch (cause) {
    await client.end().catch(() => {});
    throw cause;
  }
}
