import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EXIT } from '../../src/base/errors/entry.ts';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { failure, findingsOf, prepareOnce, temporaryFolder, writeParquet } from '../data/support.ts';
import { faultFolder } from './folder.ts';

const FAULT = faultFolder('01-nan-weight');

test('a weight of nan is refused before anything is prepared', async () => {
  const config = await loadDatasetConfig(join(FAULT, 't.yaml'));
  expect(await findingsOf(config, FAULT, 'weights')).toMatchObject([{ level: 'fail', count: 40, of: 400 }]);
  const { code, exitCode, message } = await failure(prepareOnce(config, FAULT));
  expect([code, exitCode]).toEqual(['DATA_WEIGHT_INVALID', EXIT.data]);
  expect(message).toMatch(/the weight is nan in row \d+ of source "log" and in 39 more rows/);
});

const BAD = ['nan', 'inf', '-inf', '0', '-0.0', '-1', '1e-46', '1e-40', '1e39', '1e300', 'NULL'];
const GOOD = ['1', '0.5', '1e-37', '3.4e38'];

test.each([...BAD.map((w) => [w, 1]), ...GOOD.map((w) => [w, 0])] as [string, number][])(
  'of a Parquet column, a weight of %s is bad in %d rows',
  async (weight, count) => {
    const folder = temporaryFolder();
    const value = weight === 'NULL' ? 'NULL::DOUBLE' : `'${weight}'::DOUBLE`;
    await writeParquet(
      join(folder, 't.parquet'),
      `SELECT i % 7 AS a, i % 2 AS click, CASE WHEN i = 5 THEN ${value} ELSE 1 END AS w FROM range(40) AS t(i)`,
    );
    const config = await loadDatasetConfig({
      name: 't',
      sources: { t: { path: 't.parquet' } },
      fields: [{ name: 'a', kind: 'categorical' }],
      scenario: { expression: '0', values: [0] },
      tasks: [{ name: 'click', label: 'click' }],
      weight: 'w',
    });
    const [finding] = await findingsOf(config, folder, 'weights');
    expect([finding.level, finding.count ?? 0]).toEqual([count === 0 ? 'pass' : 'fail', count]);
    if (count === 0) expect((await prepareOnce(config, folder)).rows.every((row) => Number(row.weight) > 0)).toBe(true);
    else expect((await failure(prepareOnce(config, folder))).code).toBe('DATA_WEIGHT_INVALID');
  },
);
