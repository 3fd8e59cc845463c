import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LogEvent } from '../../src/events/event.ts';
import { lineOf } from '../../src/events/line.ts';
import { openSegments } from '../../src/events/segments/folder.ts';
import { impression, interaction } from './examples.ts';
import { readSegments } from './read-segments.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'segments-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function readAll(from?: string): Promise<{ events: LogEvent[]; damaged: number; cursor: string | undefined }> {
  const events: LogEvent[] = [];
  let damaged = 0;
  let cursor = from;
  for await (const batch of readSegments(folder, from)) {
    events.push(...batch.events);
    damaged += batch.damaged;
    cursor = batch.cursor;
  }
  return { events, damaged, cursor };
}

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => lineOf((from + i) % 2 ? interaction(from + i) : impression(from + i)));

const idsOf = (events: readonly LogEvent[]): string[] =>
  events.map((event) => (event.kind === 'forgotten' ? event.kind : event.event_id));

/** A mark of a process that has ended: numbers of processes end below 2^22. */
const DEAD = `20260101T000000000Z-000000.4194303-1-${'0'.repeat(8)}-0.jsonl.open`;

test('what is appended is read, by any number of calls, while it is written and afterwards', async () => {
  const log = openSegments(folder);
  await log.append([lineOf(impression(0)), lineOf(interaction(1))]);
  const first = await readAll();
  expect(first.events).toEqual([impression(0), interaction(1)]);
  await log.append([lineOf(impression(2))]);
  const second = await readAll(first.cursor);
  expect(second.events).toEqual([impression(2)]);
  expect(readdirSync(folder)).toEqual([expect.stringMatching(/\.jsonl\.open$/)]);
  await log.close();
  expect(readdirSync(folder)).toEqual([expect.stringMatching(/\.jsonl$/)]);
  expect((await readAll(second.cursor)).events).toEqual([]);
  expect((await readAll()).events).toEqual([impression(0), interaction(1), impression(2)]);
});

test('segments are rotated by size; several writers do not disturb each other', async () => {
  const writers = [0, 1, 2].map(() => openSegments(folder, { rotate: { bytes: 2000, seconds: 300 }, sync: 'always' }));
  let cursor: string | undefined;
  const seen: string[] = [];
  for (let n = 0; n < 60; n += 2) {
    await writers[n % 3].append(lines(n, n + 2));
    if (n % 8 > 0) continue;
    const read = await readAll(cursor);
    seen.push(...idsOf(read.events));
    cursor = read.cursor;
  }
  for (const writer of writers) await writer.close();
  seen.push(...idsOf((await readAll(cursor)).events));
  expect(readdirSync(folder).length).toBeGreaterThan(8);
  expect([...seen].sort()).toEqual(idsOf((await readAll()).events).sort());
  expect(new Set(seen).size).toBe(60);
  expect(seen).toHaveLength(60);
});

test('a segment is finished when it is old, also without further events', async () => {
  const log = openSegments(folder, { rotate: { bytes: 1e6, seconds: 0.05 } });
  await log.append(lines(0, 2));
  await expect.poll(() => readdirSync(folder)).toEqual([expect.stringMatching(/\.jsonl$/)]);
  await log.append(lines(2, 3));
  await log.close();
  expect(readdirSync(folder)).toHaveLength(2);
  expect((await readAll()).events).toHaveLength(3);
});

test('the torn last line of a killed writer is cut, counted and noted', async () => {
  const whole = String(lineOf(impression(0)).bytes);
  const { hostname } = await import('node:os');
  const { sha256 } = await import('../../src/base/hash.ts');
  const dead = DEAD.replace('00000000-0.', `${sha256(hostname()).slice(0, 8)}-0.`);
  writeFileSync(join(folder, dead), whole + lineOf(interaction(1)).bytes.toString('utf8', 0, 30));
  expect((await readAll()).events).toEqual([impression(0)]);
  const { torn } = openSegments(folder);
  expect(torn).toBe(1);
  expect(readdirSync(folder)).toEqual([dead.slice(0, -'.open'.length)]);
  const { events } = await readAll();
  expect(events).toEqual([impression(0), expect.objectContaining({ kind: 'gap', reason: 'torn', count: 1 })]);
  expect(openSegments(folder).torn).toBe(0);
});

test('segments of writers on other machines are left open, and read', async () => {
  writeFileSync(join(folder, DEAD), String(lineOf(impression(0)).bytes));
  openSegments(folder);
  expect(readdirSync(folder)).toEqual([DEAD]);
  expect((await readAll()).events).toEqual([impression(0)]);
});

test('damaged lines are skipped and counted; other versions are refused', async () => {
  const log = openSegments(folder);
  await log.append(lines(0, 3));
  await log.close();
  const [name] = readdirSync(folder);
  const text = readFileSync(join(folder, name), 'utf8');
  const [first, second, third] = text.split('\n');
  writeFileSync(join(folder, name), `${first}\n${second.slice(5)}\n${third.replace('"scenario"', '"szenario"')}\n`);
  expect(await readAll()).toMatchObject({ events: [impression(0)], damaged: 2 });
  appendFileSync(join(folder, name), '{"schema":"event/4","kind":"click"}\n');
  await expect(readAll()).rejects.toMatchObject({ code: 'EVENT_VERSION' });
});

test('a text that is no cursor is refused', async () => {
  for (const cursor of ['', 'x', '[]', '{"a":1}'])
    await expect(readAll(cursor)).rejects.toMatchObject({ code: 'EVENT_CURSOR' });
  await expect(async () => {
    for await (const _ of readSegments(join(folder, 'missing')));
  }).rejects.toMatchObject({ code: 'FILE_MISSING' });
});

test('a clock that is set back loses no segment: those of a writer are read in their order, from any cursor on', async () => {
  const steps = fc.array(fc.record({ writer: fc.nat(1), clock: fc.integer({ min: 0, max: 5 }) }), {
    minLength: 1,
    maxLength: 20,
  });
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(40), async (written, stop) => {
      const own = mkdtempSync(join(folder, 'clock-'));
      const writers = [0, 1].map(() => openSegments(own, { rotate: { bytes: 1, seconds: 300 }, sync: 'never' }));
      const clock = vi.spyOn(Date, 'now');
      try {
        for (const [n, step] of written.entries()) {
          clock.mockReturnValue(1.8e12 + step.clock);
          await writers[step.writer].append(lines(n, n + 1));
        }
      } finally {
        clock.mockRestore();
      }
      const seen: string[] = [];
      let cursor: string | undefined;
      for await (const batch of readSegments(own)) {
        if (seen.length >= stop) break;
        seen.push(...idsOf(batch.events));
        cursor = batch.cursor;
      }
      if (cursor !== undefined || stop === 0)
        for await (const batch of readSegments(own, cursor)) seen.push(...idsOf(batch.events));
      const all = idsOf(lines(0, written.length).map(({ bytes }) => JSON.parse(bytes.toString())));
      expect(seen.toSorted()).toEqual(all.toSorted());
      for (const writer of [0, 1]) {
        const ids = all.filter((_, n) => written[n].writer === writer);
        expect(seen.filter((id) => ids.includes(id))).toEqual(ids);
      }
    }),
    { numRuns: 60 },
  );
});
