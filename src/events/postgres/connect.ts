/** Connections to PostgreSQL. */
import { Socket } from 'node:net';
import type { Client } from 'pg';
import { within } from '../../base/disposal.ts';
import { answered, type Server } from '../server.ts';

const CONNECT_MS = 5000;
const CLOSE_MS = 500;

export interface PostgresConnection {
  client: Client;
  /** Is it lost? */
  ended(): boolean;
  /** Also while the server does not answer. */
  close(): Promise<void>;
}

/**
 * An open connection that never throws by itself.
 *
 * @param prepare what is done before it is used
 */
export async function connectPostgres(
  { url }: Server,
  prepare: (client: Client) => Promise<void> = async () => {},
): Promise<PostgresConnection> {
  const { default: pg } = await import('pg');
  const socket = new Socket();
  const client = new pg.Client({
    connectionString: url,
    stream: () => socket,
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
  const close = async (): Promise<void> => {
    await within(client.end(), CLOSE_MS);
    socket.destroy();
  };
  const open = async (): Promise<void> => {
    await client.connect();
    const { rows } = await client.query<{ encoding: string; standby: boolean }>(
      "SELECT current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby",
    );
    if (rows[0].encoding !== 'UTF8')
      throw new Error(`the database has the encoding ${rows[0].encoding}, expected UTF8`);
    // There, rows would appear between others that were read already.
    if (rows[0].standby) throw new Error('the server is a standby: expected the primary server');
    await prepare(client);
  };
  try {
    await answered(open(), CONNECT_MS);
  } catch (cause) {
    void close();
    throw cause;
  }
  return { client, ended: () => isEnded, close };
}
