import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { init } from '../../src/data/init/init.ts';
import { temporaryFolder } from '../data/support.ts';

/** 300 rows of so many columns, half a megabyte for 504. */
function wide(columns: number): string {
  const others = Array.from({ length: columns - 4 }, (_, i) => i);
  const lines = Array.from({ length: 300 }, (_, r) =>
    [r % 40, r % 23, ['home', 'search'][r % 2], r % 3 === 0 ? 1 : 0, ...others.map((i) => (r * 31 + i * 17) % 97)].join(
      ',',
    ),
  );
  return [`user,item,place,click,${others.map((i) => `f${i}`).join(',')}`, ...lines].join('\n');
}

test('504 columns: a proposal within a quarter of the default memory', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'log.csv'), wide(504));
  const { config } = await init([join(folder, 'log.csv')], { memoryLimit: '250MB' });
  expect(config.fields).toHaveLength(502);
  expect(config.scenario.values).toEqual(['home', 'search']);
}, 120_000);
