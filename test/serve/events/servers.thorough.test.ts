/** A service whose log is on a server: whatever that server does, requests are answered as ever. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { eventsSchema } from '../../../src/config/events.ts';
import { openLog } from '../../../src/events/open.ts';
import { type Network, networkTo, postgresServer, redisServer, type TestServer } from '../../events/servers.ts';
import { artifact, type Client, REQUEST, serving } from '../support.ts';

const SERVERS = { postgres: postgresServer, redis: redisServer } as const;

describe.each(Object.keys(SERVERS) as (keyof typeof SERVERS)[])('%s', (sink) => {
  let server: TestServer | undefined;
  let network: Network | undefined;

  beforeAll(async () => {
    server = await SERVERS[sink]();
    if (server === undefined) return;
    network = await networkTo(server.port);
    process.env.TEST_SERVICE_URL = server.url(network.port);
  });
  afterAll(async () => {
    network?.close();
    await server?.remove();
    delete process.env.TEST_SERVICE_URL;
  });

  /** Asks at a steady pace; every request is answered, and none waits. */
  async function rank(client: Client, times: number): Promise<void> {
    for (let n = 0; n < times; n++) {
      const began = performance.now();
      expect((await client.ask('/v1/rank', REQUEST)).status).toBe(200);
      if (n > 0) expect(performance.now() - began).toBeLessThan(1000); // the first one of all loads what checks answers
    }
  }
  const health = async (client: Client): Promise<string> => (await client.ask('/v2/health/ready')).body.events;
  const metric = async (client: Client, name: string): Promise<number> =>
    Number(new RegExp(`^tributary_events_${name} (\\d+)$`, 'm').exec((await client.ask('/metrics')).text)?.[1] ?? 0);

  test('slow, stopped, not there at the start: every request is answered, drops are counted, logging comes back', async ({
    skip,
  }) => {
    if (server === undefined || network === undefined) return skip(`${sink} is not installed on this machine`);
    const events = {
      sink,
      url: 'env:TEST_SERVICE_URL',
      queueBytes: 20_000,
      sync: 'always',
      table: 'a',
      stream: 'a',
    } as const;
    await server.stop();
    const client = await serving([artifact().folder], { events });
    await rank(client, 5);
    await expect.poll(() => health(client)).toBe('stopped');
    const refused = await client.ask('/v1/events', {
      events: [{ kind: 'interaction', event_id: 'e1', request_id: 'r1', item_id: 1, type: 'click' }],
    });
    expect(refused.body.refused).toMatchObject([{ code: 'EVENT_NOT_STORED' }]);
    await server.start();
    await expect.poll(() => health(client), { timeout: 10_000 }).toBe('logged');
    await expect.poll(() => metric(client, 'total{kind="impression"}')).toBe(5);

    network.delayMs = 200;
    onTestFinished(() => void Object.assign(network!, { delayMs: 0 }));
    await rank(client, 20);
    const began = performance.now();
    const taken = await client.ask('/v1/events', {
      events: [{ kind: 'interaction', event_id: 'e2', request_id: 'r1', item_id: 1, type: 'click' }],
    });
    expect(taken.body.accepted).toBe(1);
    expect(performance.now() - began).toBeGreaterThan(150); // acknowledged when it is stored
    await expect.poll(() => metric(client, 'total{kind="impression"}')).toBe(25);
    network.delayMs = 0;

    await server.stop();
    await rank(client, 60);
    await expect.poll(() => health(client)).toBe('stopped');
    await server.start();
    await expect.poll(() => health(client), { timeout: 10_000 }).toBe('logged');
    await expect.poll(() => metric(client, 'queue_bytes')).toBe(0);
    const dropped = await metric(client, 'dropped_total{kind="impression"}');
    expect(dropped).toBeGreaterThan(0);
    await client.service.close();
    const log = openLog(eventsSchema.parse({ ...events, queueBytes: undefined }));
    expect(await log.check()).toMatchObject({
      events: { impression: 85 - dropped, interaction: 1 },
      duplicates: 0,
      gaps: { dropped },
    });
    await log.close();
  });
});
