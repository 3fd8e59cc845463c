/** Connections to Redis. */
import type { Server } from '../server.ts';

const CONNECT_MS = 5000;

/** An open connection that never throws by itself, and is not opened again when it is lost. */
export async function connectRedis({ url }: Server) {
  const { createClient } = await import('@redis/client');
  const client = createClient({
    url,
    RESP: 2,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: false },
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
  });
  client.on('error', () => {}); // commands reject with it, too
  await client.connect();
  return client;
}

export type RedisConnection = Awaited<ReturnType<typeof connectRedis>>;
