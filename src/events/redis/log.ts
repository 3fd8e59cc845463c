/** A stream of events that is read and looked after. */
import { error } from '../../base/errors/index.ts';
import type { EventLog } from '../log.ts';
import { ownEvents } from '../own.ts';
import { reasonOf, type Server } from '../server.ts';
import { readRows, type StoredRow } from '../server-log.ts';
import { connectRedis, type RedisConnection } from './connect.ts';

/** Entries that are read or deleted at once. */
const CHUNK = 500;
/** Before all entries. */
const START = '0-0';

/**
 * Connects with the first use.
 *
 * @param name of the log, for messages
 */
export function redisLog(server: Server, stream: string, name: string): EventLog {
  let opened: Promise<RedisConnection> | undefined;

  const open = (): Promise<RedisConnection> =>
    connectRedis(server, async (client) => {
      if ((await client.exists(stream)) === 0) throw new Error('there is no such stream');
    });
  const ask = async <T>(question: (client: RedisConnection) => Promise<T>): Promise<T> => {
    try {
      opened ??= open();
      return await question(await opened);
    } catch (cause) {
      await close(); // the next use connects again
      throw error('EVENT_STORE', { log: name, reason: server.hide(reasonOf(cause)) });
    }
  };

  const close = async (): Promise<void> => {
    const client = await opened?.catch(() => {});
    opened = undefined;
    if (client?.isOpen) client.destroy();
  };

  /** Up to the entry that is the last one now. */
  async function* after(from: string): AsyncGenerator<StoredRow[]> {
    const last = (await ask((client) => client.xRevRange(stream, '+', '-', { COUNT: 1 })))?.[0]?.id;
    if (last === undefined) return;
    for (let id = from; ; ) {
      const found = (await ask((client) => client.xRange(stream, `(${id}`, last, { COUNT: CHUNK }))) ?? [];
      if (found.length === 0) return;
      id = found[found.length - 1].id;
      yield found.map((entry) => ({ at: entry.id, event: entry.message.event ?? '' }));
    }
  }

  return {
    ...readRows(name, { noun: 'entry', start: START, isPlace: /^\d{1,18}-\d{1,18}$/, after }),
    async forget(unit) {
      const own = ownEvents(unit);
      for await (const found of after(START)) for (const { event } of found) own.noteRequest(event);
      let events = 0;
      for await (const found of after(START)) {
        const ids = found.filter(({ event }) => own.isOwn(event)).map(({ at }) => at);
        if (ids.length > 0) events += await ask((client) => client.xDel(stream, ids));
      }
      return { events, left: 0 };
    },
    // Entries have the time of their arrival, which is never much before that of the event.
    prune: async (time) => ({ events: await ask((client) => client.xTrim(stream, 'MINID', time)) }),
    close,
  };
}
