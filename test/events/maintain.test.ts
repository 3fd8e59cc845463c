import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newMark } from '../../src/base/marks.ts';
import type { LogEvent } from '../../src/events/event.ts';
import { createIdSet } from '../../src/events/ids.ts';
import { lineOf } from '../../src/events/line.ts';
import { checkSegments } from '../../src/events/segments/check.ts';
import { openSegments } from '../../src/events/segments/folder.ts';
import { forgetUnit } from '../../src/events/segments/forget.ts';
import { pruneSegments } from '../../src/events/segments/prune.ts';
import { impression, interaction } from './examples.ts';
import { readSegments } from './read-segments.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'segments-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** 100 impressions of 10 units, each with an interaction, in segments of about four events. */
async function filled(): Promise<void> {
  const log = openSegments(folder, { rotate: { bytes: 1500, seconds: 300 }, sync: 'never' });
  for (let n = 0; n < 100; n++) await log.append([lineOf(impression(n)), lineOf(interaction(n))]);
  await log.close();
}

async function readAll(from?: string): Promise<{ events: LogEvent[]; cursors: string[] }> {
  const events: LogEvent[] = [];
  const cursors: string[] = [];
  for await (const batch of readSegments(folder, from)) {
    events.push(...batch.events);
    cursors.push(batch.cursor);
  }
  return { events, cursors };
}

test('a check counts what is there and what is missing', async () => {
  await filled();
  const log = openSegments(folder);
  await log.append([lineOf(interaction(3)), lineOf(interaction(3)), lineOf({ ...gap, count: 7 })]);
  await log.close();
  const names = readdirSync(folder).sort();
  rmSync(join(folder, names[5]));
  writeFileSync(join(folder, names[2]), 'nonsense\n', { flag: 'a' });
  const report = await checkSegments(folder);
  const whole = await readAll();
  const count = (kind: string): number => whole.events.filter((event) => event.kind === kind).length;
  expect(report).toMatchObject({
    segments: names.length - 1,
    open: 0,
    events: { impression: count('impression'), interaction: count('interaction'), correction: 0 },
    first: impression(0).time,
    duplicates: 2,
    gaps: { dropped: 7, torn: 0, segments: 1 },
    damaged: {
      lines: 1,
      examples: [{ place: expect.stringContaining(`${names[2]}, line `), problem: 'it is not JSON' }],
    },
  });
  expect(report.events.impression).toBeLessThan(100);
});

const gap = { schema: 'event/1', event_id: 'g', kind: 'gap', time: 1_700_000_000_000, reason: 'dropped' } as const;

test("a unit's events are gone, all others and all cursors stay", async () => {
  await filled();
  const before = await readAll();
  const sizes = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).length]);
  const result = await forgetUnit(folder, 'user 3');
  expect(result).toMatchObject({ events: 20, left: 0 });
  expect(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name)).length])).toEqual(sizes);
  const text = readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('');
  for (const word of ['user 3"', 'request 3"', 'request 13"', 'interaction 93"']) expect(text).not.toContain(word);
  const isOwn = (n: number): boolean => n % 10 === 3;
  const kept = (events: readonly LogEvent[]) => events.filter((event) => event.kind !== 'forgotten');
  const { events } = await readAll();
  expect(kept(events)).toEqual(
    before.events.filter((event) => event.kind !== 'forgotten' && !isOwn(Number(event.event_id.split(' ')[1]))),
  );
  const middle = before.cursors[10];
  expect((await readAll(middle)).events.length).toBe(before.events.length - (await eventsUntil(middle)));
  expect(await forgetUnit(folder, 'user 3')).toMatchObject({ events: 0, segments: 0 });
  expect((await checkSegments(folder)).forgotten).toBe(20);
});

async function eventsUntil(cursor: string): Promise<number> {
  let count = 0;
  for await (const batch of readSegments(folder)) {
    count += batch.events.length;
    if (batch.cursor === cursor) return count;
  }
  throw new Error('the cursor is not there');
}

test('events in a segment that is being written are left, and named', async () => {
  const log = openSegments(folder);
  await log.append([lineOf(impression(3)), lineOf(interaction(3)), lineOf(impression(4))]);
  expect(await forgetUnit(folder, 'user 3')).toEqual({ events: 0, segments: 0, left: 2 });
  await log.close();
  expect(await forgetUnit(folder, 'user 3')).toEqual({ events: 2, segments: 1, left: 0 });
});

test('one process deletes at a time; a lock of a killed one does not count', async () => {
  await filled();
  const lock = join(folder, 'forget.lock');
  writeFileSync(lock, newMark());
  await expect(forgetUnit(folder, 'user 3')).rejects.toMatchObject({ code: 'EVENT_LOG_LOCKED' });
  writeFileSync(lock, newMark().replace(/^\d+-\d+/, '4194303-1'));
  expect(await forgetUnit(folder, 'user 3')).toMatchObject({ events: 20 });
  expect(existsSync(lock)).toBe(false);
});

test('old segments go, newer ones and cursors stay', async () => {
  await filled();
  const { events, cursors } = await readAll();
  const time = impression(50).time;
  // Names say when segments were started: just now.
  expect(await pruneSegments(folder, time)).toEqual({ segments: 0, bytes: 0 });
  const { segments } = await pruneSegments(folder, Date.now() + 1);
  expect(segments).toBeGreaterThan(10);
  expect(readdirSync(folder)).toEqual([]);
  expect((await readAll(cursors[3])).events).toEqual([]);
  expect(events).toHaveLength(200);
});

test('ids are found again, and only these', () => {
  const ids = createIdSet();
  for (let n = 0; n < 200_000; n++) expect(ids.add(`id ${n}`)).toBe(true);
  for (let n = 0; n < 200_000; n += 7) expect(ids.add(`id ${n}`)).toBe(false);
  expect(ids.add('')).toBe(true);
  expect(ids.add('')).toBe(false);
});
