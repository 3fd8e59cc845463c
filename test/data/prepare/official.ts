import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { DatasetInput } from '../../../src/config/dataset.ts';
import { RESERVED_IDS } from '../../../src/data/encode/ids.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { dataset, fixture, readParquetRows, readSafetensors, temporaryFolder } from '../support.ts';

/** Fails unless equal ids of one side are equal ids of the other, in every row. */
function expectBijection(field: string, ours: number[], theirs: number[]): void {
  const forth = new Map<number, number>();
  const back = new Map<number, number>();
  ours.forEach((id, row) => {
    expect(forth.get(id) ?? theirs[row], field).toBe(theirs[row]);
    expect(back.get(theirs[row]) ?? id, field).toBe(id);
    forth.set(id, theirs[row]);
    back.set(theirs[row], id);
  });
}

/** Prepares a fixture's raw files and holds the result against what the official script made of them. */
export async function expectParity(name: string, config: DatasetInput) {
  const out = join(temporaryFolder(), 'prepared');
  const { manifest } = await prepare({ config: dataset(config), sourceFolder: fixture(name), out });
  const expected = readSafetensors(fixture(`${name}.safetensors`));
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
    const labels = rows.flatMap((r) => manifest.tasks.map((task) => r[`label_${task}`]));
    expect(labels).toEqual([...expected[`${part}.labels`].values]);
    rows.forEach((row, i) => {
      all.ours.push(manifest.fields.map((f) => Number(row[`field_${f.name}`])));
      all.theirs.push([...values.subarray(i * shape[1], (i + 1) * shape[1])]);
    });
  }
  manifest.fields.forEach((field, f) => {
    expectBijection(
      field.name,
      all.ours.map((ids) => ids[f]),
      all.theirs.map((ids) => ids[f]),
    );
  });
  const { kept_tokens_per_field } = JSON.parse(readFileSync(fixture(`${name}.json`), 'utf8')) as {
    kept_tokens_per_field: Record<string, number>;
  };
  expect(manifest.fields.map((f) => f.size - RESERVED_IDS)).toEqual(Object.values(kept_tokens_per_field));
}
