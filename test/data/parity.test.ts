import { join } from 'node:path';
import { expect, test } from 'vitest';
import { prepare } from '../../src/data/prepare.ts';
import { dataset, fixture, ML1M, readParquetRows, readSafetensors, temporaryFolder } from './support.ts';

/** Fails unless equal ids of one side are equal ids of the other, in every row. */
function expectBijection(ours: number[], theirs: number[]): void {
  const forth = new Map<number, number>();
  const back = new Map<number, number>();
  ours.forEach((id, row) => {
    expect(forth.get(id) ?? theirs[row]).toBe(theirs[row]);
    expect(back.get(theirs[row]) ?? id).toBe(id);
    forth.set(id, theirs[row]);
    back.set(theirs[row], id);
  });
}

test('ml1m_mini: the rows, order, labels and scenarios of the official script; ids up to a bijection per field', async () => {
  const out = join(temporaryFolder(), 'ml1m');
  const { manifest } = await prepare({ config: dataset(ML1M), sourceFolder: fixture('ml1m_mini'), out });
  const expected = readSafetensors(fixture('ml1m_mini.safetensors'));
  const all: { ours: number[][]; theirs: number[][] } = { ours: [], theirs: [] };
  for (const [part, split] of [
    ['train', 'train'],
    ['valid', 'validation'],
    ['test', 'test'],
  ] as const) {
    const rows = await readParquetRows(join(out, manifest.splits[split].file));
    const { shape, values } = expected[`${part}.ids`];
    expect(rows.length).toBe(shape[0]);
    expect(rows.map((r) => r.scenario)).toEqual([...expected[`${part}.scenario`].values]);
    expect(rows.flatMap((r) => [r.label_click, r.label_like])).toEqual([...expected[`${part}.labels`].values]);
    rows.forEach((row, i) => {
      all.ours.push(manifest.fields.map((f) => Number(row[`field_${f.name}`])));
      all.theirs.push([...values.subarray(i * shape[1], (i + 1) * shape[1])]);
    });
  }
  expect(manifest.fields.map((f) => f.size - 2)).toEqual([30, 24, 2, 7, 18, 30, 5, 3]);
  manifest.fields.forEach((_, f) => {
    expectBijection(
      all.ours.map((ids) => ids[f]),
      all.theirs.map((ids) => ids[f]),
    );
  });
});
