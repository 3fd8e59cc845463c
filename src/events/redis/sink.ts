/** A stream of Redis as a sink. */

import { newMark } from '../../base/marks.ts';
import type { EventsConfig } from '../../config/events.ts';
import type { Server } from '../server.ts';
import { type Connection, serverSink } from '../server-sink.ts';
import type { EventSink } from '../sink.ts';
import { connectRedis, type RedisConnection } from './connect.ts';

/**
 * Appends a batch as a whole, unless it is there already: the writer numbers its batches, and a batch of which the answer was lost
 * comes again with its number. What a lost connection delivers late does nothing then.
 */
const APPEND = `
if tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[1]) then return 0 end
for i = 2, #ARGV do redis.call('XADD', KEYS[1], '*', 'event', ARGV[i]) end
redis.call('SET', KEYS[2], ARGV[1], 'EX', 86400)
return 1`;

/** @param sync `always` needs a server with `appendonly yes` and `appendfsync always` */
export function redisSink(server: Server, stream: string, sync: EventsConfig['sync']): EventSink {
  const numbers = `${stream}:writer:${newMark()}`;
  let stored = 0;
  return serverSink(server, async (): Promise<Connection> => {
    const client = await connectRedis(server, sync === 'always' ? expectDurable : undefined);
    return {
      async append(lines) {
        const number = stored + 1;
        const texts = lines.map(({ bytes }) => bytes.subarray(0, -1)); // without the line break
        await client.eval(APPEND, { keys: [stream, numbers], arguments: [String(number), ...texts] });
        stored = number;
      },
      isOpen: () => client.isReady,
      close: () => {
        if (client.isOpen) client.destroy();
      },
    };
  });
}

const EXPECTED: Record<string, string> = { appendonly: 'yes', appendfsync: 'always' };

/** Servers that hide their configuration are believed. */
async function expectDurable(client: RedisConnection): Promise<void> {
  for (const name in EXPECTED) {
    const found = (await client.configGet(name).catch((): Record<string, string> => ({})))[name];
    if (found !== undefined && found !== EXPECTED[name])
      throw new Error(`the server has ${name} ${found}; events.sync: always needs ${name} ${EXPECTED[name]}`);
  }
}
