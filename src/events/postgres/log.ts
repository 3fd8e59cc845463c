/** A table of events that is read and looked after. */
import { error } from '../../base/errors/index.ts';
import { withoutHalves } from '../line.ts';
import type { EventLog } from '../log.ts';
import { reasonOf, type Server } from '../server.ts';
import { readRows, type StoredRow } from '../server-log.ts';
import { connectPostgres, type PostgresConnection } from './connect.ts';
import { sqlOf, storable } from './table.ts';

/** Rows that are read at once. */
const CHUNK = 500;

/**
 * Connects with the first use.
 *
 * @param name of the log, for messages
 */
export function postgresLog(server: Server, table: string, name: string): EventLog {
  const sql = sqlOf(table);
  let opened: Promise<PostgresConnection> | undefined;

  const fail = (cause: unknown) => error('EVENT_STORE', { log: name, reason: server.hide(reasonOf(cause)) });
  const open = (): Promise<PostgresConnection> =>
    connectPostgres(server, async (client) => {
      const { rows } = await client.query<{ found: boolean }>(sql.exists);
      if (!rows[0].found) throw new Error('there is no such table');
    });
  const query = async <T extends object>(text: string, values: unknown[] = []) => {
    try {
      opened ??= open();
      return await (await opened).client.query<T>(text, values);
    } catch (cause) {
      await close(); // the next use connects again
      throw fail(cause);
    }
  };
  const close = async (): Promise<void> => {
    const connection = await opened?.catch(() => {});
    opened = undefined;
    await connection?.close();
  };

  /** The last position before which nothing will appear any more. */
  const lastPosition = async (): Promise<string> => {
    await query('BEGIN');
    try {
      await query(sql.settle);
      const { rows } = await query<{ last: string }>(sql.last);
      return rows[0].last;
    } finally {
      await query('COMMIT');
    }
  };

  async function* after(from: string): AsyncGenerator<StoredRow[]> {
    const last = await lastPosition();
    for (let position = from; ; ) {
      const { rows: chunk } = await query<StoredRow>(sql.read, [position, last, CHUNK]);
      if (chunk.length === 0) return;
      position = chunk[chunk.length - 1].at;
      yield chunk;
    }
  }

  return {
    ...readRows(name, { noun: 'position', start: '0', isPlace: /^\d{1,18}$/, after }),
    forget: async (unit) => ({
      events: (await query(sql.forget, [storable(withoutHalves(unit))])).rowCount ?? 0,
      left: 0,
    }),
    prune: async (time) => ({ events: (await query(sql.prune, [time])).rowCount ?? 0 }),
    close,
  };
}
