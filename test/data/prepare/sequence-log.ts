/** Logs with behaviour sequences, and the rule by which a row sees them, in quadratic time. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { DatasetInput } from '../../../src/config/dataset.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import type { PreparedData } from '../../../src/data/prepared/prepared.ts';
import { openRowEncoder } from '../row-encoder.ts';
import { dataset, temporaryFolder } from '../support.ts';

/** An event of the log; its place in the file is its number. */
export interface Event {
  user: string | null;
  item: string | null;
  time: number | null;
  rating: number | null;
}

export const CONFIG: DatasetInput = {
  name: 'log',
  sources: { log: { path: 'log.csv' } },
  fields: [
    { name: 'number', kind: 'categorical' },
    { name: 'item', kind: 'categorical' },
  ],
  scenario: { expression: '0', values: [0] },
  tasks: [{ name: 'like', label: 'coalesce(rating, 0) > 3' }],
  sequences: {
    key: '"user"',
    time: 'seen',
    item: 'item',
    length: 3,
    types: { liked: 'rating > 3', disliked: 'rating <= 3' },
  },
  vocabulary: { from: 'all', minCount: 0 },
};

const TYPES: [string, (event: Event) => boolean][] = [
  ['liked', ({ rating }) => rating !== null && rating > 3],
  ['disliked', ({ rating }) => rating !== null && rating <= 3],
];

export const ALL_TRAIN: DatasetInput['split'] = { kind: 'column', column: "'train'" };

/** Items of the last events of a type at earlier times, oldest first: by the definition, in quadratic time. */
const before = (events: Event[], n: number, feeds: (m: number) => boolean, counts: (event: Event) => boolean) =>
  events
    .map((event, m) => ({ ...event, m }))
    .filter(({ user, time, m }) => user !== null && user === events[n].user && time !== null && feeds(m))
    .filter((event) => (event.time as number) < (events[n].time ?? Number.NEGATIVE_INFINITY) && counts(event))
    .sort((a, b) => (a.time as number) - (b.time as number) || a.m - b.m)
    .map(({ item }) => item);

export function lastingFolder(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-test-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

export async function prepareLog(
  events: Event[],
  split: DatasetInput['split'],
  changes: Partial<DatasetInput> = {},
  newFolder: (files: Record<string, string>) => string = temporaryFolder,
) {
  const cell = (value: string | number | null): string => (value === null ? '' : String(value));
  const lines = events.map(({ user, item, time, rating }, n) => [n, user, item, time, rating].map(cell).join());
  const folder = newFolder({ 'log.csv': `number,user,item,seen,rating\n${lines.join('\n')}\n` });
  const columns = { log: { path: 'log.csv', header: true } };
  const config = dataset({ ...CONFIG, sources: columns, split, ...changes });
  await prepare({ config, sourceFolder: folder, out: join(folder, 'out') });
  return openPrepared(join(folder, 'out'));
}

/** The sequences of every row, table ids, by the row's number in the file; and whether it is a training row. */
export async function readSequences(data: PreparedData): Promise<{ ids: number[]; isTrain: boolean }[]> {
  const found: { ids: number[]; isTrain: boolean }[] = [];
  const numbers = await data.tokens('number');
  const width = 2 * (data.manifest.sequences?.length as number);
  for (const split of ['train', 'validation', 'test'] as const) {
    const reader = await data.open(split);
    for await (const { size, ids, sequences } of reader.batches({ batchSize: 7 }))
      for (let i = 0; i < size; i++) {
        const row = sequences?.slice(i * width, (i + 1) * width) ?? [];
        found[Number(numbers[ids[2 * i]])] = { ids: [...row], isTrain: split === 'train' };
      }
    await reader.close();
  }
  return found;
}

const orNull = <T>(values: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: values }, { weight: 1, arbitrary: fc.constant(null) });
const event = fc.record({
  user: orNull(fc.constantFrom('a', 'b')),
  item: orNull(fc.constantFrom('x', 'y', 'z', '1')),
  time: orNull(fc.integer({ min: -3, max: 12 })),
  rating: orNull(fc.integer({ min: 1, max: 5 })),
});

/** The sequences of random logs are the last items before the row, by SQL and by the row encoder. */
export async function expectLastItems(numRuns: number): Promise<void> {
  const split = fc.constantFrom<NonNullable<DatasetInput['split']>>(
    { kind: 'random', ratios: [0.6, 0.2, 0.2], seed: 5 },
    { kind: 'time', column: 'coalesce(seen, 0)', ratios: [0.6, 0.2, 0.2] },
    { kind: 'column', column: "CASE WHEN number % 3 = 1 THEN 'test' ELSE 'train' END" },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 60, size: 'max' }), split, async (events, split) => {
      const isByTime = split?.kind === 'time';
      const sequences = { ...(CONFIG.sequences as object), ...(isByTime && { time: 'coalesce(seen, 0)' }) };
      const log = isByTime ? events.map((e) => ({ ...e, time: e.time ?? 0 })) : events;
      const data = await prepareLog(events, split, { sequences } as Partial<DatasetInput>);
      expect(data.manifest.sequences).toEqual({
        itemField: 'item',
        length: 3,
        types: ['liked', 'disliked'],
        from: isByTime ? 'earlier rows' : 'train rows',
      });
      const rows = await readSequences(data);
      const encoder = await openRowEncoder(data);
      const ids = new Int32Array(6);
      events.forEach((_, n) => {
        const feeds = (m: number) => isByTime || rows[m].isTrain;
        const values = TYPES.map(([type, counts]) => [type, before(log, n, feeds, counts)]);
        encoder.encodeSequences(Object.fromEntries(values), ids);
        expect(rows[n].ids).toEqual([...ids]);
      });
    }),
    { numRuns },
  );
}
