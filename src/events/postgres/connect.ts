/** Connections to PostgreSQL. */
import type { Client } from 'pg';
import type { Server } from '../server.ts';

const CONNECT_MS = 5000;

/** An open connection that never throws by itself; `ended` says whether it is lost. */
export async function connectPostgres({ url }: Server): Promise<{ client: Client; ended: () => boolean }> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    application_name: 'tributary',
  });
  let isEnded = false;
  client.on('error', () => {
    isEnded = true;
  });
  client.on('end', () => {
    isEnded = true;
  });
  try {
    await client.connect();
    const { rows } = await client.query<{ encoding: string; standby: boolean }>(
      "SELECT current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby",
    );
    if (rows[0].encoding !== 'UTF8')
      throw new Error(`the database has the encoding ${rows[0].encoding}, expected UTF8`);
    // There, rows would appear between others that were read already.
    if (rows[0].standby) throw new Error('the server is a standby: expected the primary server');
  } catch (cause) {
    void client.end();
    throw cause;
  }
  return { client, ended: () => isEnded };
}
