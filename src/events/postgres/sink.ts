/** A table of PostgreSQL as a sink: one INSERT for each batch. An event with an id that is there already is not stored again. */
import type { EventsConfig } from '../../config/events.ts';
import type { Server } from '../server.ts';
import { type Connection, serverSink } from '../server-sink.ts';
import type { EventSink } from '../sink.ts';
import { connectPostgres } from './connect.ts';
import { rowsOf, sqlOf } from './table.ts';

/**
 * @param sync `always`: events are on the server's disk when `append` resolves. Otherwise it writes them there within a second
 *   (three times its `wal_writer_delay` of 200 ms)
 */
export const postgresSink = (server: Server, table: string, sync: EventsConfig['sync']): EventSink =>
  serverSink(server, () => connect(server, table, sync));

async function connect(server: Server, table: string, sync: EventsConfig['sync']): Promise<Connection> {
  const sql = sqlOf(table);
  const { client, ended, close } = await connectPostgres(server, async (client) => {
    await client.query(`SET synchronous_commit = ${sync === 'always' ? 'on' : 'off'}`);
    // A user without the right to create tables may use one that is there.
    const { rows } = await client.query<{ found: boolean }>(sql.exists);
    if (!rows[0].found) await client.query(sql.create);
  });
  return {
    async append(lines) {
      await client.query({ name: 'append', text: sql.insert, values: rowsOf(lines) });
    },
    isOpen: () => !ended(),
    close: () => void close(),
  };
}
