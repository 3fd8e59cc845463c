/** What holds for every sink, on real servers. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type EventsConfig, eventsSchema } from '../../src/config/events.ts';
import type { LogEvent } from '../../src/events/event.ts';
import { lineOf, type WrittenEvent } from '../../src/events/line.ts';
import { type EventLog, readEvents } from '../../src/events/log.ts';
import { openLog, openSink } from '../../src/events/open.ts';
import { connectPostgres } from '../../src/events/postgres/connect.ts';
import { rowsOf, sqlOf } from '../../src/events/postgres/table.ts';
import { createEventQueue, type QueueOptions } from '../../src/events/queue.ts';
import { serverOf } from '../../src/events/server.ts';
import { impression, interaction } from './examples.ts';
import { type Network, networkTo, PASSWORD, postgresServer, redisServer, type TestServer } from './servers.ts';

interface Store {
  /** A new log. */
  config: EventsConfig;
  /** Nothing can be stored until `recover`. */
  fail(): Promise<void>;
  recover(): Promise<void>;
}

const KINDS = {
  segments: undefined,
  postgres: postgresServer,
  redis: redisServer,
} as const;

let logs = 0;

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('%s', (kind) => {
  let server: TestServer | undefined;
  let network: Network | undefined;
  const variable = `TEST_${kind.toUpperCase()}_URL`;

  beforeAll(async () => {
    server = await KINDS[kind]?.();
    if (server === undefined) return;
    network = await networkTo(server.port);
    process.env[variable] = server.url(network.port);
  });
  afterAll(async () => {
    network?.close();
    await server?.remove();
    delete process.env[variable];
  });
  beforeEach(({ skip }) => {
    if (kind !== 'segments' && server === undefined) skip(`${kind} is not installed on this machine`);
  });

  function store(over: Partial<EventsConfig> = {}): Store {
    if (kind === 'segments') return folderStore(over);
    const name = `events_${++logs}`;
    return {
      config: { ...eventsSchema.parse({ sink: kind, url: `env:${variable}`, table: name, stream: name }), ...over },
      fail: async () => await server?.stop(),
      recover: async () => await server?.start(),
    };
  }

  function opened(config: EventsConfig) {
    const { sink } = openSink(config);
    const log = openLog(config);
    onTestFinished(async () => {
      await sink.close();
      await log.close();
    });
    return { sink, log };
  }

  function queueTo(config: EventsConfig, over: Partial<QueueOptions> = {}) {
    const { sink, log } = opened(config);
    const states: (string | undefined)[] = [];
    const onState: QueueOptions['onState'] = (reason) => states.push(reason);
    const queue = createEventQueue(sink, { bytes: 1e6, gatherMs: 5, onState, ...over });
    onTestFinished(async () => void (await queue.close(100)));
    return { queue, log, states };
  }

  test('batches of all sizes are read in order, from every cursor on', async () => {
    const { sink, log } = opened(store().config);
    const written = Array.from({ length: 600 }, (_, n) => (n % 2 ? interaction(n) : impression(n)));
    for (const [from, to] of [[0, 1], [1, 3], [3, 560], [560, 600]]) // biome-ignore format: pairs
      await sink.append(written.slice(from, to).map(lineOf));
    const { events, cursors } = await read(log);
    expect(events).toEqual(written);
    for (const { cursor, count } of [cursors[0], cursors.at(-1)!]) {
      expect((await read(log, cursor)).events).toEqual(written.slice(count));
    }
    const later = impression(9999);
    await sink.append([lineOf(later)]);
    expect((await read(log, cursors.at(-1)?.cursor)).events).toEqual([later]);
    expect(await log.check()).toMatchObject({
      events: { impression: 301, interaction: 300, correction: 0 },
      first: impression(0).time,
      last: later.time,
      duplicates: 0,
      damaged: { lines: 0 },
    });
  });

  test('a reader at work sees each event of several writers once, in the order of its writer', async () => {
    const { config } = store();
    const writers = [0, 1, 2, 3].map((writer) => ({ writer, ...opened(config) }));
    const [{ log, sink }] = writers;
    await sink.append([lineOf(impression(-1))]);
    const seen: LogEvent[] = [];
    let cursor: string | undefined;
    let isWriting = true;
    const readOn = async (): Promise<void> => {
      for await (const batch of readEvents(log, cursor)) {
        seen.push(...batch.events);
        cursor = batch.cursor;
      }
    };
    const reading = (async () => {
      while (isWriting) await readOn();
    })();
    await Promise.all(
      writers.map(async ({ writer, sink }) => {
        for (let n = 0; n < 40; n++)
          await sink.append([0, 1, 2].map((k) => lineOf(impression(1000 * writer + 3 * n + k))));
      }),
    );
    isWriting = false;
    await reading;
    await readOn();
    const numbers = seen.map((event) => Number((event as { event_id: string }).event_id.split(' ')[1]));
    expect(numbers).toHaveLength(481);
    for (const { writer } of writers)
      expect(numbers.filter((n) => n >= 0 && Math.floor(n / 1000) === writer)).toEqual(
        Array.from({ length: 120 }, (_, n) => 1000 * writer + n),
      );
  });

  test('an event that a client sends twice counts once', async () => {
    const { sink, log } = opened(store().config);
    await sink.append([lineOf(interaction(1)), lineOf(interaction(1)), lineOf(interaction(2))]);
    await sink.append([lineOf(interaction(2)), lineOf(interaction(3))]);
    const { events, duplicates } = await log.check();
    expect(events.interaction - duplicates).toBe(3);
    expect(new Set((await read(log)).events.map(idOf))).toEqual(new Set([1, 2, 3].map((n) => `interaction ${n}`)));
  });

  test('texts of every kind come back as they were, but for halves of characters, and are found', async () => {
    const { sink, log } = opened(store().config);
    const texts = ['\0', 'a\0b', '\\u0000', '"\'\\{},;$1', 'Zürich 漢字 🦆', '\ud800', '\n\r\t\u2028', 'NULL'];
    const written: WrittenEvent[] = texts.flatMap((text, n) => [
      impression(n, { event_id: `i${text}`, request_id: text, unit: text, values: { text } }),
      interaction(n, { event_id: `e${text}`, request_id: text, item_id: text }),
    ]);
    await sink.append(written.map(lineOf));
    await sink.close();
    const whole = JSON.parse(JSON.stringify(written).replaceAll('\\ud800', '\ufffd'));
    expect((await read(log)).events).toEqual(whole);
    for (const text of texts) expect(await log.forget(text)).toMatchObject({ events: 2, left: 0 });
    expect((await read(log)).events.filter(({ kind }) => kind !== 'forgotten')).toEqual([]);
  });

  test("a unit's events are gone, all others and all cursors stay", async () => {
    const { sink, log } = opened(store().config);
    for (let n = 0; n < 100; n++) await sink.append([lineOf(impression(n)), lineOf(interaction(n))]);
    await sink.close();
    const before = await read(log);
    expect(await log.forget('user 3')).toMatchObject({ events: 20, left: 0 });
    const { events } = await read(log);
    const isOwn = (event: LogEvent): boolean => Number(idOf(event)?.split(' ')[1]) % 10 === 3;
    expect(events.filter(({ kind }) => kind !== 'forgotten')).toEqual(before.events.filter((event) => !isOwn(event)));
    const { cursor, count } = before.cursors[0];
    const rest = (await read(log, cursor)).events.filter(({ kind }) => kind !== 'forgotten');
    expect(rest).toEqual(before.events.slice(count).filter((event) => !isOwn(event)));
    expect(await log.forget('user 3')).toMatchObject({ events: 0 });
  });

  test('old events go, newer ones stay', async () => {
    const { sink, log } = opened(store().config);
    await sink.append([lineOf(impression(0))]);
    await sink.close();
    expect(await log.prune(impression(0).time)).toMatchObject(kind === 'segments' ? { segments: 0 } : { events: 0 });
    expect(await log.prune(Date.now() + 1)).toMatchObject(kind === 'segments' ? { segments: 1 } : { events: 1 });
    if (kind !== 'redis') expect((await read(log)).events).toEqual([]); // an empty stream is none
  });

  test('sync: always: what is stored can be read at that moment', async () => {
    const { config } = store({ sync: 'always' });
    const { queue, log } = queueTo(config, { gatherMs: 0 });
    for (let n = 0; n < 10; n++) {
      const stored = await Promise.all([
        queue.addStored(lineOf(impression(n)), 5000),
        queue.addStored(lineOf(interaction(n)), 5000),
      ]);
      expect(stored).toEqual([true, true]);
      expect((await read(log)).events).toHaveLength(2 * n + 2);
    }
  });

  test('while nothing can be stored nobody waits, drops are counted, and logging comes back by itself', async () => {
    // Otherwise a crash of the server loses the last second.
    const one = store({ sync: 'always' });
    const { queue, log, states } = queueTo(one.config, { bytes: 20_000 });
    for (let n = 0; n < 5; n++) expect(queue.add(lineOf(impression(n)))).toBe(true);
    await expect.poll(() => queue.counts().stored.get('impression')).toBe(5);
    await one.fail();
    let added = 0;
    let slowest = 0;
    for (let n = 5; n < 200; n++) {
      const began = performance.now();
      if (queue.add(lineOf(impression(n)))) added++;
      slowest = Math.max(slowest, performance.now() - began);
      if (n % 10 === 0) await new Promise((done) => setTimeout(done, 1));
    }
    expect(slowest).toBeLessThan(50);
    expect(added).toBeLessThan(195);
    await expect.poll(() => queue.stopped(), { timeout: 10_000 }).toBeDefined();
    expect(await queue.addStored(lineOf(interaction(1)), 20)).toBe(false);
    await one.recover();
    await expect.poll(() => queue.stopped(), { timeout: 10_000 }).toBeUndefined();
    expect(queue.add(lineOf(interaction(999)))).toBe(true);
    await expect.poll(() => queue.counts().waitingBytes, { timeout: 10_000 }).toBe(0);
    await queue.close(5000);
    const { events, gaps, duplicates } = await log.check();
    const drops = queue.counts().dropped;
    const dropped = [...drops.values()].reduce((sum, count) => sum + count, 0);
    expect({ impressions: events.impression, dropped: gaps.dropped, duplicates }).toEqual({
      impressions: 5 + added,
      dropped,
      duplicates: 0,
    });
    expect(drops.get('impression')).toBe(195 - added);
    expect(states.map((state) => state !== undefined)).toEqual([true, false]);
    expect(states.join()).not.toContain(PASSWORD);
    if (kind !== 'segments') {
      await one.fail();
      await expect(read(log)).rejects.toMatchObject({ code: 'EVENT_STORE' });
      await one.recover();
      expect((await read(log)).events.length).toBeGreaterThan(5);
    }
  });

  test.runIf(kind === 'postgres')('a reader waits for a row that another writer has not committed yet', async () => {
    const { config } = store();
    const { sink, log } = opened(config);
    await sink.append([lineOf(impression(0))]);
    const { client, close } = await connectPostgres(serverOf(config.url ?? '', ['postgres:']));
    onTestFinished(close);
    await client.query('BEGIN');
    await client.query(sqlOf(config.table).insert, rowsOf([lineOf(impression(1))]));
    await sink.append([lineOf(impression(2))]);
    let isRead = false;
    const reading = read(log).finally(() => {
      isRead = true;
    });
    await new Promise((done) => setTimeout(done, 200));
    expect(isRead).toBe(false);
    await client.query('COMMIT');
    expect((await reading).events).toEqual([impression(0), impression(1), impression(2)]);
  });

  test.runIf(kind === 'postgres')('a user who may only add and read rows uses a table that is there', async () => {
    const { config } = store();
    const { client, close } = await connectPostgres(serverOf(config.url ?? '', ['postgres:']));
    onTestFinished(close);
    await client.query("CREATE ROLE writer LOGIN PASSWORD 'writing'");
    const right = process.env[variable] as string;
    process.env.TEST_WRITER_URL = right.replace(/shop:[^@]*/, 'writer:writing');
    onTestFinished(() => void delete process.env.TEST_WRITER_URL);
    const { sink, log } = opened({ ...config, url: 'env:TEST_WRITER_URL' });
    await expect(sink.append([])).rejects.toThrow('permission denied for schema public');
    await client.query(sqlOf(config.table).create);
    await client.query(`GRANT INSERT, SELECT ON ${config.table} TO writer`);
    await sink.append([lineOf(impression(1))]);
    expect((await read(log)).events).toEqual([impression(1)]);
    await expect(log.forget('user 1')).rejects.toMatchObject({ code: 'EVENT_STORE' });
  });

  test('a server that is slow takes larger batches, and loses nothing', async ({ skip }) => {
    if (network === undefined) return skip('a folder has no server');
    network.delayMs = 200;
    const { queue, log } = queueTo(store().config);
    onTestFinished(() => void Object.assign(network!, { delayMs: 0 }));
    const began = performance.now();
    for (let n = 0; n < 200; n++) {
      expect(queue.add(lineOf(impression(n)))).toBe(true);
      await new Promise((done) => setTimeout(done, 1));
    }
    expect(await queue.addStored(lineOf(interaction(1)), 5000)).toBe(true);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(queue.counts().dropped.size).toBe(0);
    network.delayMs = 0;
    expect((await log.check()).events).toEqual({ impression: 200, interaction: 1, correction: 0 });
  });

  test('a batch of which the answer was lost is stored once', async ({ skip }) => {
    if (network === undefined) return skip('a folder has no server');
    const { sink, log } = opened(store().config);
    await sink.append([lineOf(interaction(0))]);
    const batch = [interaction(1), impression(2), interaction(3)];
    for (const name of ['first', 'second']) {
      network.losesAnswers = true;
      const appending = sink.append(batch.map(lineOf));
      await new Promise((done) => setTimeout(done, 100));
      network.cut();
      await expect(appending, name).rejects.toThrow();
      network.losesAnswers = false;
    }
    await sink.append(batch.map(lineOf));
    await sink.append([lineOf(interaction(4))]);
    expect((await read(log)).events).toEqual([interaction(0), ...batch, interaction(4)]);
  });

  test('mistakes of the connection are named, without the password', async ({ skip }) => {
    if (server === undefined) return skip('a folder has no server');
    const right = process.env[variable] as string;
    onTestFinished(() => void Object.assign(process.env, { [variable]: right }));
    const { config } = store();
    const problem = async (url: string): Promise<{ code?: string; text: string }> => {
      process.env[variable] = url;
      try {
        const { sink } = openSink(config);
        await sink.append([]).catch((cause) => {
          throw Object.assign(cause, { code: 'append' });
        });
      } catch (cause) {
        const { code, message, stack } = cause as NodeJS.ErrnoException;
        return { code, text: `${message} ${stack} ${JSON.stringify(cause)}` };
      }
      return { text: '' };
    };
    const wrong = PASSWORD.replace('1', 'secret');
    const encoded = encodeURIComponent(PASSWORD);
    for (const [url, code] of [
      [right.replace(encoded, encodeURIComponent(wrong)), 'append'],
      [right.replace(/127.0.0.1:\d+/, '127.0.0.1:1'), 'append'],
      [right.replace(encoded, '12/secret'), 'EVENTS_URL'],
      [right.replace(encoded, '12#secret'), 'EVENTS_URL'],
      [right.replace(encoded, 'secret/12'), 'EVENTS_URL'],
      [right.replace(/^\w+/, 'https'), 'EVENTS_URL'],
      ['', 'EVENTS_SECRET'],
    ]) {
      const found = await problem(url);
      expect(found.code, url).toBe(code);
      for (const part of ['secret/', 'secret@', 'secret]', PASSWORD, encoded]) expect(found.text).not.toContain(part);
    }
    process.env[variable] = right;
    const log = openLog(config);
    await expect(read(log)).rejects.toMatchObject({
      code: 'EVENT_STORE',
      message: expect.stringContaining('there is no such'),
    });
    await expect(read(log, 'x')).rejects.toMatchObject({ code: 'EVENT_CURSOR' });
    await log.close();
  });
});

function folderStore(over: Partial<EventsConfig>): Store {
  const folder = join(mkdtempSync(join(tmpdir(), 'sinks-')), 'events');
  onTestFinished(() => rmSync(join(folder, '..'), { recursive: true }));
  const config = { ...eventsSchema.parse({ folder, rotate: { seconds: 0.2 } }), ...over };
  return {
    config,
    // A file in the place of the folder.
    async fail() {
      renameSync(folder, `${folder}-aside`);
      writeFileSync(folder, '');
      await new Promise((done) => setTimeout(done, 250)); // until the open segment is over
    },
    async recover() {
      rmSync(folder);
      renameSync(`${folder}-aside`, folder);
    },
  };
}

async function read(log: EventLog, from?: string) {
  const events: LogEvent[] = [];
  const cursors: { cursor: string; count: number }[] = [];
  for await (const batch of readEvents(log, from)) {
    expect(batch.damaged).toBe(0);
    events.push(...batch.events);
    cursors.push({ cursor: batch.cursor, count: events.length });
  }
  return { events, cursors };
}

const idOf = (event: LogEvent): string | undefined => (event.kind === 'forgotten' ? undefined : event.event_id);
