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

const FILLED = { viewed: { type: 'click' }, bought: { type: 'buy', atLeast: 2 } };

/** Events of few units at full hours: many of them at the same time, and some interactions before their answers. */
const dense = (events: readonly Event[]): Event[] =>
  events.map((event, i) => ({
    ...event,
    time: (Math.floor(event.time / HOUR) - (event.kind === 'interaction' && i % 3 === 0 ? 1 : 0)) * HOUR,
    ...('unit' in event && event.unit !== null && { unit: `user ${event.event_id.length % 2}` }),
  }));

/** Sequences are those that requests brought, else what the unit did before, by the definition, and whenever and however events come. */
export async function sequencesAreRight(seed: number): Promise<void> {
  const { folder } = artifact({ sequences: true });
  const events = dense(drawLog(seed, { answers: 120 }));
  const sequences = seed % 2 === 0 ? FILLED : { bought: FILLED.bought };
  const config = { ...CONFIG, sequences, skew: '2h', artifact: folder };
  const out = join(temporaryFolder(), 'rows');
  const log = join(temporaryFolder(), 'log');
  const { uniform } = random('arrival', String(seed));
  const arrived = events.map((event) => ({ event, at: event.time + (uniform() < 0.4 ? uniform() * DAY : 0) }));
  // An answer of the first day, and what users did to another, come last: the days after it are right all the same.
  const isEarly = ({ event }: (typeof arrived)[number]): boolean => event.time < START + DAY;
  const reactions = arrived.filter(({ event }) => event.kind === 'interaction' && event.type === 'buy');
  const last = (of: typeof arrived): string | undefined => of.findLast(isEarly)?.event.request_id;
  const [answer, other] = [last(reactions), last(reactions.filter((one) => one.event.request_id !== last(reactions)))];
  for (const one of arrived) {
    if (one.event.kind === 'impression' && one.event.request_id === answer) one.at = LATER + 1;
    if (one.event.kind !== 'impression' && one.event.request_id === other) one.at = LATER + 2;
  }
  const seen: Event[] = [];
  let from = Number.NEGATIVE_INFINITY;
  for (const asOf of [START + 26 * HOUR, LATER, LATER + 1, LATER + 2]) {
    const news = arrived.filter(({ at }) => at > from && at <= asOf).map(({ event }) => event);
    seen.push(...news);
    for (const chunk of chunks(shuffled([...news, ...news.filter((_, i) => i % 5 === 0)], seed), seed, 2))
      addSegment(log, chunk);
    await joined(log, out, config, { asOf });
    expect(await rowsOf(out), `as of ${asOf}`).toEqual(referenceRows(seen, config, asOf, true));
    from = asOf;
  }
}

/** Whatever happens from a moment on, the sequences of the rows up to it stay. */
export async function sequencesKnowNoFuture(seed: number): Promise<void> {
  const { folder } = artifact({ sequences: true });
  const events = dense(drawLog(seed, { answers: 120 }));
  const config = { ...CONFIG, sequences: FILLED, skew: '2h', artifact: folder };
  const sequencesUpTo = async (moment: number, some: readonly Event[]) => {
    const [log, out] = [join(temporaryFolder(), 'log'), join(temporaryFolder(), 'rows')];
    addSegment(log, some);
    await joined(log, out, config);
    const rows = (await rowsOf(out)).filter((row) => (row.log_time as number) <= moment);
    return rows.map((row) => [row.log_request_id, row.log_position, row.sequence_viewed, row.sequence_bought]);
  };
  const { below } = random('future', String(seed));
  const { time: moment } = events[Math.floor(events.length / 3) + below(Math.floor(events.length / 3))];
  const past = events.filter((event) => event.time < moment || event.kind === 'impression');
  // Other things happen from then on: everything is taken back, done again, and done to others.
  const future = events.flatMap((event, i): Event[] => {
    if (event.kind === 'impression') return [];
    const { request_id, item_id, type } = event;
    const at = { schema: 'event/1', request_id, item_id, type } as const;
    return [
      { ...at, event_id: `back ${i}`, kind: 'correction', time: moment + below(DAY) },
      { ...at, event_id: `again ${i}`, kind: 'interaction', time: moment + below(DAY), value: 9 },
    ];
  });
  const expected = await sequencesUpTo(moment, events);
  expect(await sequencesUpTo(moment, past)).toEqual(expected);
  expect(await sequencesUpTo(moment, [...past, ...future])).toEqual(expected);
  expect(expected.some(([, , viewed]) => (viewed as unknown[]).length > 0)).toBe(true);
}

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
