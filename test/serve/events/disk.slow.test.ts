import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkSegments } from '../../../src/events/segments/check.ts';
import { artifact, REQUEST, serving, temporaryFolder } from '../support.ts';

/** A disk of 400 kB, or why there is none. */
function smallDisk(): string | undefined {
  const disk = join(temporaryFolder(), 'disk');
  mkdirSync(disk);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', disk]).status !== 0) return undefined;
  onTestFinished(() => void execFileSync('umount', [disk]));
  return disk;
}

test('a full disk: every request is answered, drops are counted, and logging comes back by itself', async ({
  skip,
}) => {
  const disk = smallDisk();
  if (disk === undefined) return skip('this user may not mount a small disk');
  const folder = join(disk, 'events');
  const events = { folder, sync: 'interval', queueBytes: 200_000, rotate: { bytes: 100_000 } } as const;
  const client = await serving([artifact().folder], { events });
  const request = { ...REQUEST, items: Array.from({ length: 100 }, (_, id) => ({ id, item: id % 60 })) };
  let asked = 0;
  const rank = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n++) {
      expect((await client.ask('/v1/rank', request)).status).toBe(200);
      asked++;
    }
  };
  const health = async (): Promise<string> => (await client.ask('/v2/health/ready')).body.events;
  await rank(5);
  await expect.poll(async () => (await checkSegments(folder)).events.impression).toBe(5);
  const filler = join(disk, 'filler');
  expect(() => writeFileSync(filler, Buffer.alloc(400_000))).toThrow('ENOSPC');
  await rank(40); // the disk stays full: a request that waited for the log would have no answer
  await expect.poll(health).toBe('stopped');
  const { text } = await client.ask('/metrics');
  expect(text).toContain('tributary_events_stopped 1');
  expect(text).toMatch(/tributary_events_dropped_total\{kind="impression"\} [1-9]/);
  rmSync(filler);
  await expect.poll(health, { timeout: 5000 }).toBe('logged');
  await rank(2);
  await client.service.close();
  const { events: found, gaps, damaged, duplicates } = await checkSegments(folder);
  expect(gaps.dropped).toBeGreaterThan(0);
  expect({ damaged: damaged.lines, duplicates, all: found.impression + gaps.dropped }).toEqual({
    damaged: 0,
    duplicates: 0,
    all: asked,
  });
});
