/** Connections to Redis. */
import { answered, type Server } from '../server.ts';

const CONNECT_MS = 5000;

/**
 * An open connection that never throws by itself, and is not opened again when it is lost.
 *
 * @param prepare what is done before it is used
 */
export async function connectRedis(
  { url }: Server,
  prepare: (client: RedisConnection) => Promise<void> = async () => {},
): Promise<RedisConnection> {
  const client = await newClient(url);
  const open = async (): Promise<void> => {
    await client.connect();
    await prepare(client);
  };
  try {
    await answered(open(), CONNECT_MS);
  } catch (cause) {
    if (client.isOpen) client.destroy();
    throw cause;
  }
  return client;
}

async function newClient(url: string) {
  const { createClient } = await import('@redis/client');
  const client = createClient({
    url,
    RESP: 2,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: false },
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
  });
  client.on('error', () => {}); // commands reject with it, too
  return client;
}

export type RedisConnection = Awaited<ReturnType<typeof newClient>>;
