import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { findingsOf, prepareOnce, readParquetRows } from '../data/support.ts';
import { faultFolder } from './folder.ts';

test.each(['time-zones', 'time-mixed', 'time-nopad'])(
  'times written as texts go by what they say (%s)',
  async (name) => {
    const folder = faultFolder(`08-time-text/${name}`);
    const config = await loadDatasetConfig(join(folder, 't.yaml'));
    const { folder: out, rows, sizes } = await prepareOnce(config, folder);
    const tokens = await readParquetRows(join(out, 'vocabularies/n.parquet'));
    const numbers = new Map(tokens.map(({ id, token }) => [id, Number(token)]));
    // Time rises with n, so the parts are runs of it.
    expect(sizes).toEqual([320, 40, 40]);
    const sorted = (from: number, to: number) =>
      rows
        .slice(from, to)
        .map((row) => numbers.get(row.field_n) as number)
        .sort((a, b) => a - b);
    const found = [...sorted(0, 320), ...sorted(320, 360), ...sorted(360, 400)];
    expect(found).toEqual(Array.from({ length: 400 }, (_, n) => n));
    expect((await findingsOf(config, folder, 'split')).map((f) => f.level)).toEqual(['pass']);
  },
);
