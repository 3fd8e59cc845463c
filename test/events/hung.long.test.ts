/** A server of the log that takes what it is given and never answers: a broken network, or a machine that hangs. */
import { expect, onTestFinished, test } from 'vitest';
import { eventsSchema } from '../../src/config/events.ts';
import { lineOf } from '../../src/events/line.ts';
import { openLog, openSink } from '../../src/events/open.ts';
import { createEventQueue } from '../../src/events/queue.ts';
import { impression, interaction } from './examples.ts';
import { networkTo, postgresServer, redisServer } from './servers.ts';

test.for([
  ['postgres', postgresServer],
  ['redis', redisServer],
] as const)(
  '%s: it counts as stopped, is connected to again, and stores each event once',
  async ([sink, start], { skip }) => {
    const server = await start();
    if (server === undefined) return skip(`${sink} is not installed on this machine`);
    onTestFinished(() => server.remove());
    const network = await networkTo(server.port);
    onTestFinished(() => network.close());
    process.env.TEST_HUNG_URL = server.url(network.port);
    onTestFinished(() => void delete process.env.TEST_HUNG_URL);
    const config = eventsSchema.parse({ sink, url: 'env:TEST_HUNG_URL' });
    const states: (string | undefined)[] = [];
    const queue = createEventQueue(openSink(config).sink, {
      bytes: 1e6,
      gatherMs: 5,
      onState: (reason) => states.push(reason),
    });
    expect(await queue.addStored(lineOf(impression(0)), 5000)).toBe(true);

    network.losesAnswers = true;
    for (let n = 1; n < 20; n++) expect(queue.add(lineOf(impression(n)))).toBe(true);
    await expect.poll(() => queue.stopped(), { timeout: 8000 }).toBe('a write takes more than 5 s');
    expect(await queue.addStored(lineOf(interaction(1)), 100)).toBe(false); // it waits, and is stored later
    await new Promise((done) => setTimeout(done, 8000)); // the connection is given up, and the next one hangs, too
    network.losesAnswers = false;
    await expect.poll(() => queue.stopped(), { timeout: 20_000 }).toBeUndefined();
    await expect.poll(() => queue.counts().waitingBytes, { timeout: 5000 }).toBe(0);

    network.losesAnswers = true;
    queue.add(lineOf(interaction(2)));
    await new Promise((done) => setTimeout(done, 50));
    const began = performance.now();
    expect(await queue.close(1000)).toBe(1); // the end does not wait for it
    expect(performance.now() - began).toBeLessThan(3000);
    network.losesAnswers = false;
    const log = openLog(config);
    const { events, duplicates, gaps } = await log.check();
    await log.close();
    expect({ impressions: events.impression, duplicates, dropped: gaps.dropped }).toEqual({
      impressions: 20,
      duplicates: 0,
      dropped: 0,
    });
    expect(states.map((state) => state !== undefined)).toEqual([true, false]);
  },
);
