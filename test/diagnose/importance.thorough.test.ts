/** Importance of small runs: what is shuffled, and how. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPrepared } from '../../src/data/prepared/open.ts';
import type { PreparedData } from '../../src/data/prepared/prepared.ts';
import { chooseFeatures } from '../../src/diagnose/importance/features.ts';
import { measureImportance } from '../../src/diagnose/importance/importance.ts';
import { shuffledSources, withShuffled } from '../../src/diagnose/importance/shuffle.ts';
import { batchesOf, drawRows } from '../../src/diagnose/rows.ts';
import { importanceSchema } from '../../src/documents/diagnose/importance.ts';
import { importanceMarkdown, importanceText } from '../../src/report/diagnose/importance.ts';
import { evaluateRun } from '../../src/train/evaluate-run.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../train/support.ts';

const folder = temporaryFolder();
let data: PreparedData;
let run: string;
afterAll(() => folder.remove());
beforeAll(async () => {
  const sequences = { key: '"user"', item: 'item', time: 'time', length: 4, types: { clicked: 'click = 1' } };
  const path = await prepareSmall(folder.path, 3000, 30, 'data', 3000, sequences);
  data = await openPrepared(path);
  run = await makeRun(join(folder.path, 'run'), path, { model: { key: 'mmoe', embeddingDim: 4 } });
  await trainWithStops(run);
});

test('every field and sequence is measured in every cell; what the labels follow is first', async () => {
  const document = await measureImportance(run, { repeats: 2 });
  expect(importanceSchema.parse(document)).toEqual(document);
  expect(document.features.map(({ name }) => name).toSorted()).toEqual(
    ['item', 'place', 'sequence_clicked', 'tags', 'user'].toSorted(),
  );
  expect(document.features[0].name).toBe('item');
  expect(document.features[0].aucLoss?.low).toBeGreaterThan(0);
  expect(document.groups).toEqual({ of: 'group', count: 20 });
  const { grid } = await evaluateRun(run, 'validation');
  expect(document.cells.map(({ rows, positives, auc }) => ({ rows, positives, auc }))).toEqual(
    grid.cells.map(({ rows, positives, auc }) => ({ rows, positives, auc: 'value' in auc ? auc.value : null })),
  );
  // Each row of a scenario has the same place; this model does not read sequences.
  const still = document.features.filter(({ name }) => ['place', 'sequence_clicked'].includes(name));
  for (const { aucLoss } of still) expect(aucLoss).toEqual({ value: 0, standardError: 0, low: 0, high: 0 });
  expect(document.features.filter(({ varies }) => !varies).map(({ name }) => name)).toEqual(['place']);
  const text = importanceText(document);
  expect(text).toContain('Most AUC is lost without item (');
  expect(text).toContain('The same in all rows of a scenario, so that nothing can be shuffled: place.');
  expect(importanceMarkdown(document)).toMatch(/^# Importance of fields\n[\s\S]*\n\| field \| mean AUC lost \|/);
});

test('a group is shuffled together and takes its fields out of the list; the seed decides', async () => {
  const groups = [{ name: 'thing', members: ['item', 'tags'] }];
  const options = { rows: 1000, repeats: 1, seed: 5, groups };
  const document = await measureImportance(run, options);
  expect(document.features.map(({ name }) => name)).not.toContain('item');
  expect(document.features[0]).toMatchObject({ name: 'thing', kind: 'group', members: ['item', 'tags'] });
  const again = await measureImportance(run, options);
  expect({ ...again, seconds: 0 }).toEqual({ ...document, seconds: 0 });
  const other = await measureImportance(run, { ...options, seed: 6 });
  expect(other.features[0].aucLoss).not.toEqual(document.features[0].aucLoss);
});

test('values move as a whole, within their scenario, and nothing else moves', async () => {
  const [tags, sequence, both] = chooseFeatures(data.manifest, {
    fields: ['tags', 'sequence_clicked'],
    groups: [],
  }).concat(chooseFeatures(data.manifest, { fields: [], groups: [{ name: 'both', members: ['tags', 'item'] }] }));
  await using reader = await data.open('train');
  const rows = await drawRows(data.manifest, reader, { limit: 700, seed: 1 });
  const source = shuffledSources(rows, 1, 0);
  expect([...source].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 700 }, (_, i) => i));
  expect([...source].every((from, row) => rows.scenario[from] === rows.scenario[row])).toBe(true);
  const idsOf = (of: typeof rows, row: number): number[] => [
    ...of.ids.subarray(row * of.widths.ids, (row + 1) * of.widths.ids),
  ];
  const pastOf = (of: typeof rows, row: number): number[] => [
    ...(of.sequences ?? new Int32Array()).subarray(row * of.widths.sequences, (row + 1) * of.widths.sequences),
  ];
  const [byTags, bySequence, byBoth] = [tags, sequence, both].map((feature) => withShuffled(rows, feature, source));
  for (let row = 0; row < rows.size; row++) {
    // user, item, three tags, place
    const [own, from] = [idsOf(rows, row), idsOf(rows, source[row])];
    expect(idsOf(byTags, row)).toEqual([...own.slice(0, 2), ...from.slice(2, 5), own[5]]);
    expect(idsOf(byBoth, row)).toEqual([own[0], ...from.slice(1, 5), own[5]]);
    expect(pastOf(byTags, row)).toEqual(pastOf(rows, row));
    expect(idsOf(bySequence, row)).toEqual(own);
    expect(pastOf(bySequence, row)).toEqual(pastOf(rows, source[row]));
  }
  const parts = [...batchesOf(rows, 300)];
  expect(parts.map(({ size }) => size)).toEqual([300, 300, 100]);
  expect(parts.flatMap(({ ids }) => [...ids])).toEqual([...rows.ids]);
});

test('IMPORTANCE_FIELDS names all fields that there are none of, and names that are taken', async () => {
  const wrong = { fields: ['itm', 'user', 'user'], groups: [{ name: 'user', members: ['tgas'] }] };
  await expect(measureImportance(run, wrong)).rejects.toMatchObject({
    code: 'IMPORTANCE_FIELDS',
    details: {
      data: 'small',
      problems: [
        'there is no field "itm": the nearest is "item"',
        'there is no field "tgas": the nearest is "tags"',
        '"user" is named twice',
      ],
    },
  });
});
