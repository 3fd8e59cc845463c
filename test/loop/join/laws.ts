/** Laws of rows made from logs: whatever order, copies and chunks events come in, and whenever joins run, rows depend on the events alone. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { random } from '../../../src/base/random.ts';
import { artifact, temporaryFolder } from '../../serve/support.ts';
import { addSegment, CONFIG, DAY, drawLog, type Event, HOUR, joined, rowsOf, START } from './logs.ts';
import { referenceRows } from './reference.ts';

const LATER = START + 100 * DAY;

/** A shuffled copy. */
function shuffled<T>(values: readonly T[], seed: number): T[] {
  const { uniform } = random('shuffle', String(seed));
  return values
    .map((value) => ({ value, at: uniform() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}

/** The events in some segments of different sizes. */
function chunks(events: readonly Event[], seed: number, count: number): Event[][] {
  const { uniform } = random('chunks', String(seed));
  const borders = Array.from({ length: count - 1 }, () => Math.floor(uniform() * events.length)).sort((a, b) => a - b);
  return [0, ...borders].map((from, i) => events.slice(from, borders[i] ?? events.length));
}

const VARIANTS = [
  {},
  { late: 'revise' as const },
  { negatives: { rate: 0.4, seed: 7 } },
  { late: 'revise' as const, skew: '30m', negatives: { rate: 0.25 } },
];

/** Rows and counts are those of a join without a database, also of a time at which labels are open. */
export async function rowsAreRight(seed: number): Promise<void> {
  const { folder } = artifact();
  const events = drawLog(seed);
  const [log, out] = [join(temporaryFolder(), 'log'), join(temporaryFolder(), 'rows')];
  const config = { ...CONFIG, ...VARIANTS[seed % VARIANTS.length], artifact: folder };
  addSegment(log, events);
  for (const asOf of [START + DAY + 7 * HOUR, LATER]) {
    const { document } = await joined(log, out, config, { asOf });
    const rows = await rowsOf(out);
    expect(rows).toEqual(referenceRows(events, config, asOf));
    for (const [k, task] of ['click', 'purchase'].entries()) {
      const { task: _, ...counts } = document.tasks[k];
      expect(Object.values(counts).reduce((sum, n) => sum + n, 0)).toBe(document.items.shown);
      if (document.rows.sampledOut > 0) continue;
      for (const [state, count] of Object.entries(counts))
        expect(rows.filter((row) => row[`state_${task}`] === state).length, state).toBe(count);
    }
    expect(document.rows.count).toBe(rows.length);
    expect(document.items.shown - document.rows.sampledOut).toBe(rows.length);
  }
}

/** Order, copies and chunks of events change nothing. */
export async function arrivalIsNothing(seed: number): Promise<void> {
  const { folder } = artifact();
  const events = drawLog(seed);
  const [log, out] = [join(temporaryFolder(), 'log'), join(temporaryFolder(), 'rows')];
  const config = { ...CONFIG, artifact: folder };
  const copies = shuffled([...events, ...events.filter((_, i) => i % 3 === 0)], seed);
  for (const chunk of chunks(copies, seed, 4)) addSegment(log, chunk);
  const { document } = await joined(log, out, config);
  expect(await rowsOf(out)).toEqual(referenceRows(events, config, LATER));
  const { impressions, interactions, corrections } = document;
  expect(impressions.duplicates + interactions.duplicates + corrections.duplicates).toBeGreaterThan(0);
}

/** Joins one after another give the rows of one join, and a join as of a time before gives those of then. */
export async function joinsAddUp(seed: number): Promise<void> {
  const { folder } = artifact();
  const events = drawLog(seed);
  const [log, out] = [join(temporaryFolder(), 'log'), join(temporaryFolder(), 'rows')];
  const config = { ...CONFIG, ...VARIANTS[seed % VARIANTS.length], artifact: folder };
  // Some events come hours after their time, in another segment.
  const { uniform } = random('arrival', String(seed));
  const arrived = events.map((event) => ({ event, at: event.time + (uniform() < 0.3 ? uniform() * DAY : 0) }));
  const times = [START + 20 * HOUR, START + 30 * HOUR, START + 60 * HOUR, LATER];
  let from = Number.NEGATIVE_INFINITY;
  const seen: Event[] = [];
  for (const asOf of times) {
    const news = arrived.filter(({ at }) => at > from && at <= asOf).map(({ event }) => event);
    seen.push(...news);
    addSegment(log, news);
    await joined(log, out, config, { asOf });
    expect(await rowsOf(out), `as of ${asOf}`).toEqual(referenceRows(seen, config, asOf));
    from = asOf;
  }
  // Back in time: rows are again those of then, of all that is known now.
  await joined(log, out, config, { asOf: times[1] });
  expect(await rowsOf(out)).toEqual(referenceRows(events, config, times[1]));
}
