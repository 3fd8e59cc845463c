import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { recipes } from '../../../src/data/recipes/recipes.ts';
import { ceiling, shopCsv } from '../../../src/data/shop/files.ts';
import { drawLog, LOGGED, SURFACES } from '../../../src/data/shop/log.ts';
import { shopSchema } from '../../../src/data/shop/options.ts';
import { dataset, temporaryFolder } from '../support.ts';

const options = shopSchema.parse({ rows: 20_000, users: 2000, items: 500, seed: 3 });
const log = drawLog(options);

describe('the log of a shop', () => {
  test('repeats with its seed and differs between seeds', () => {
    const text = (seed: number): string => {
      const few = shopSchema.parse({ rows: 300, users: 50, items: 40, seed });
      return shopCsv(drawLog(few), few);
    };
    expect(text(1)).toBe(text(1));
    expect(text(1)).not.toBe(text(2));
  });

  test('has labels as likely as its probabilities, a later task only after the earlier ones', () => {
    for (let t = 0; t < 3; t++) {
      const expected = log.impressions.reduce((sum, row) => sum + row.probabilities[t], 0);
      const deviation = Math.sqrt(log.impressions.reduce((sum, { probabilities: p }) => sum + p[t] * (1 - p[t]), 0));
      const positives = log.impressions.reduce((sum, row) => sum + row.labels[t], 0);
      expect(Math.abs(positives - expected)).toBeLessThan(4 * deviation);
    }
    const isOrdered = [1, 2].every((t) =>
      log.impressions.every(
        ({ labels, probabilities }) => labels[t] <= labels[t - 1] && probabilities[t] < probabilities[t - 1],
      ),
    );
    expect(isOrdered).toBe(true);
  });

  test('is a dirty file: duplicates, three ways to say nothing, mixed spellings, cells without labels', () => {
    const lines = shopCsv(log, options)
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','));
    expect(lines).toHaveLength(20_000 + 120);
    expect(new Set(lines.map((line) => line.join())).size).toBe(20_000);
    const ages = lines.map((line) => line[4]);
    for (const nothing of ['', 'NULL', 'n/a']) expect(ages).toContain(nothing);
    expect(new Set(lines.map((line) => line[2]))).toEqual(
      new Set(SURFACES.flatMap((surface) => [surface, surface.toUpperCase()])),
    );
    const wrong = lines.filter((line) =>
      LOGGED[SURFACES.indexOf(line[2].toLowerCase())].some((logged, t) => logged === (line[18 + t] === '')),
    );
    expect(wrong).toEqual([]);
  });

  test('has a ceiling in the nine cells that are logged', () => {
    const cells = Object.values(ceiling(log)).flatMap((tasks) => Object.values(tasks));
    expect(cells.filter((auc) => auc === null)).toHaveLength(3);
    for (const auc of cells.filter((found) => found !== null)) expect(auc).toBeGreaterThan(0.7);
  });
});

test('the recipe writes the log once per choice of options, and prepares it by time', async () => {
  const folder = temporaryFolder();
  const wish = { rows: 2000, users: 50, items: 40, match: true };
  const config = dataset(await recipes.shop.prepareConfig(folder, wish));
  const data = join(folder, 'shop-log.csv');
  const { ino } = statSync(data);
  await recipes.shop.prepareConfig(folder, { ...wish, match: false });
  expect(statSync(data).ino).toBe(ino);
  const { manifest } = await prepare({ config, sourceFolder: folder, out: join(folder, 'out') });
  const rows = Object.values(manifest.splits).map((split) => split.rows);
  expect(rows.reduce((sum, one) => sum + one)).toBe(2000); // the duplicates are gone
  expect(manifest.fields.map(({ name }) => name)).toContain('match');
  expect(manifest.orderedTasks).toBe(true);
  await recipes.shop.prepareConfig(folder, { ...wish, seed: 2 });
  expect(statSync(data).ino).not.toBe(ino);
});
