/** A service that is killed at random moments under load: what it acknowledged is in its log, and nothing is read twice. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { random } from '../../../src/base/random.ts';
import { type EventsConfig, eventsSchema } from '../../../src/config/events.ts';
import type { LogEvent } from '../../../src/events/event.ts';
import { readEvents } from '../../../src/events/log.ts';
import { openLog, openSink } from '../../../src/events/open.ts';
import { postgresServer, redisServer, type TestServer } from '../../events/servers.ts';
import { type Command, signal, startCommand, workersOf } from '../command.ts';
import { artifact, REQUEST, temporaryFolder } from '../support.ts';

/** Kills of each sink, and its server. */
const SINKS = [
  { sink: 'segments', kills: 20, serverOf: undefined },
  { sink: 'postgres', kills: 8, serverOf: postgresServer },
  { sink: 'redis', kills: 8, serverOf: redisServer },
] as const;

/** A new log; undefined where its server is not installed. */
async function newLog({ sink, serverOf }: (typeof SINKS)[number]): Promise<EventsConfig | undefined> {
  if (serverOf === undefined)
    return eventsSchema.parse({ folder: join(temporaryFolder(), 'events'), rotate: { bytes: 100_000, seconds: 1 } });
  const server: TestServer | undefined = await serverOf();
  if (server === undefined) return undefined;
  process.env.TEST_KILLS_URL = server.url(server.port);
  onTestFinished(async () => {
    delete process.env.TEST_KILLS_URL;
    await server.remove();
  });
  return eventsSchema.parse({ sink, url: 'env:TEST_KILLS_URL' });
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

interface Acknowledged {
  /** Of an event that was accepted, or of an answered request. */
  id: string;
  /** performance.now */
  at: number;
}

/** Ranks and reports by several connections at once until the service is gone. */
function load(
  { address }: Command,
  round: number,
): { events: Acknowledged[]; requests: Acknowledged[]; over: Promise<unknown> } {
  const events: Acknowledged[] = [];
  const requests: Acknowledged[] = [];
  let number = 0;
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(address + path, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(response.status).toBe(200);
    return response.json() as Promise<{ accepted?: number }>;
  };
  const loop = async (): Promise<void> => {
    for (;;)
      try {
        const id = `${round}-${number++}`;
        await post('/v1/rank', { ...REQUEST, request_id: id });
        requests.push({ id, at: performance.now() });
        const event = { kind: 'interaction', event_id: `e${id}`, request_id: id, item_id: 1, type: 'click' };
        const { accepted } = await post('/v1/events', { events: [event] });
        if (accepted === 1) events.push({ id: `e${id}`, at: performance.now() });
      } catch (cause) {
        if ((cause as Error).name !== 'TypeError') throw cause; // fetch fails so where the connection breaks
        return;
      }
  };
  return { events, requests, over: Promise.all(Array.from({ length: 8 }, loop)) };
}

test.for(SINKS)(
  '$sink, $kills kills: what was acknowledged is in the log, and nothing is read twice',
  async (one, { skip }) => {
    const { folder } = artifact();
    const config = await newLog(one);
    if (config === undefined) return skip(`${one.sink} is not installed on this machine`);
    await openSink(config).sink.append([]); // makes the table
    const log = openLog(config);
    const seen = new Map<string, number>();
    const requestsSeen = new Set<string>();
    let torn = 0;
    let cursor: string | undefined;
    const readOn = async (): Promise<void> => {
      for await (const batch of readEvents(log, cursor)) {
        expect(batch.damaged).toBe(0);
        for (const event of batch.events) note(event);
        cursor = batch.cursor;
      }
    };
    const note = (event: LogEvent): void => {
      if (event.kind === 'forgotten') return;
      seen.set(event.event_id, (seen.get(event.event_id) ?? 0) + 1);
      if (event.kind === 'impression') requestsSeen.add(event.request_id);
      if (event.kind === 'gap') torn += event.count;
    };
    const generator = random('kills', 1);
    let [acknowledged, lost, late] = [0, 0, 0];
    for (let round = 0; round < one.kills; round++) {
      const sync = round % 2 === 0 ? 'always' : 'interval';
      const events = { ...config, sync } as const;
      const workers = round % 4 === 3 ? 2 : 1;
      const service = await startCommand(folder, workers, { events });
      const { events: taken, requests, over } = load(service, round);
      await pause(1100 + generator.below(900));
      const killed = performance.now();
      const processes = workers === 1 ? [] : workersOf(service.child);
      service.child.kill('SIGKILL');
      for (const pid of processes) signal(pid, 'SIGKILL');
      await over;
      await service.ended;
      await readOn();
      const since =
        (limit: number) =>
        ({ at }: Acknowledged) =>
          at < killed - limit;
      // `always`: accepted is stored. Answers wait for no disk: those of the last second may be missing in both.
      const must = [
        ...taken.filter(sync === 'always' ? () => true : since(1000)).map(({ id }) => seen.has(id)),
        ...requests.filter(since(1000)).map(({ id }) => requestsSeen.has(id)),
      ];
      expect(must.filter((found) => !found).length, `round ${round}, ${sync}`).toBe(0);
      expect(must.length).toBeGreaterThan(5);
      acknowledged += must.length;
      late += taken.length + requests.length - must.length;
      lost += [...taken.map(({ id }) => seen.has(id)), ...requests.map(({ id }) => requestsSeen.has(id))].filter(
        (found) => !found,
      ).length;
    }
    console.log(`${one.sink}: ${acknowledged} acknowledged and there; of ${late} of the last second ${lost} are lost`);
    expect([...seen.values()].filter((count) => count > 1)).toEqual([]);
    await openSink(config).sink.close(); // finishes what was torn
    const [before, tornBefore] = [seen.size, torn];
    await readOn();
    const report = await log.check();
    await log.close();
    expect(report).toMatchObject({ duplicates: 0, gaps: { dropped: 0, segments: 0 }, damaged: { lines: 0 } });
    // What recovery adds are gaps, one for each torn line.
    expect([torn, seen.size - before]).toEqual([report.gaps.torn, torn - tornBefore]);
  },
);
