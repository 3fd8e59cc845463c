/** The log of a synthetic shop as a data set: a test bed that resembles the exports of small teams. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { checkOurs, readText, writeFileAtomic } from '../../base/files.ts';
import { canonicalJson, sha256 } from '../../base/hash.ts';
import { parseJson } from '../../base/json.ts';
import type { DatasetInput } from '../../config/dataset.ts';
import { ceiling, shopCsv } from '../shop/files.ts';
import { drawLog, SURFACES, TASKS } from '../shop/log.ts';
import { shopSchema } from '../shop/options.ts';
import { defineRecipe } from './recipe.ts';

const LOG = 'shop-log.csv';
const TRUTH = 'shop-truth.json';
/** Changes when the same options give other rows. */
const VERSION = 1;

const options = shopSchema.extend({
  /** A field that counts the words of a query in the title: the hand-made feature that helps most. */
  match: z.union([z.boolean(), z.stringbool()]).default(false),
  /** Fields with the rate of each task by user and by item: from rows at earlier times, or from other folds. */
  rates: z.enum(['none', 'earlier', 'folds']).default('none'),
});

export const shop = defineRecipe({
  key: 'shop',
  title: 'The log of a synthetic shop with four surfaces and three ordered tasks (see src/data/shop)',
  where: 'made on this machine; nothing to fetch',
  licence: 'none needed',
  files: [],
  options,
  config(sourceFolder, { match, rates, ...shopOptions }) {
    const made = { version: VERSION, ...shopOptions };
    const [data, truth] = [join(sourceFolder, LOG), join(sourceFolder, TRUTH)];
    const id = sha256(canonicalJson(made));
    if (!existsSync(data) || !existsSync(truth) || idOf(readText(truth, 'the truth of a synthetic shop')) !== id) {
      checkOurs(truth, 'the truth of a synthetic shop', (text) => typeof idOf(text) === 'string');
      if (!existsSync(truth)) checkOurs(data, 'the log of a synthetic shop', () => false);
      writeFileAtomic(truth, JSON.stringify({ id: `unfinished ${id}` }));
      const log = drawLog(shopOptions);
      writeFileAtomic(data, shopCsv(log, shopOptions));
      writeFileAtomic(truth, JSON.stringify({ id, ...made, ceiling: ceiling(log) }, null, 2));
    }
    return datasetConfig(match, rates);
  },
});

function datasetConfig(match: boolean, rates: 'none' | 'earlier' | 'folds'): DatasetInput {
  const categorical = (name: string, expression?: string) =>
    ({ kind: 'categorical', name, ...(expression && { expression }) }) as const;
  const numeric = (name: string, quantiles: number) => ({ kind: 'numeric', name, buckets: { quantiles } }) as const;
  return {
    name: 'shop',
    sources: { log: { path: LOG, nullValues: ['', 'NULL', 'n/a'] } },
    deduplicate: true,
    fields: [
      categorical('user_id'),
      numeric('age', 10),
      categorical('country'),
      categorical('tier'),
      categorical('item_id'),
      { kind: 'multi', name: 'title', separator: ' ', maxLength: 4 },
      categorical('category'),
      categorical('brand'),
      numeric('price', 20),
      numeric('discount', 10),
      numeric('rating', 10),
      numeric('reviews', 10),
      { kind: 'multi', name: 'query', separator: ' ', maxLength: 4 },
      categorical('device', 'lower(device)'),
      categorical('hour', 'hour(ts::TIMESTAMP)'),
      categorical('position'),
      categorical('surface', 'lower(surface)'),
      ...(match ? [categorical('match', MATCH)] : []),
      ...(rates === 'none' ? [] : rateFields(rates === 'earlier' ? rates : { folds: 5 })),
    ],
    scenario: { expression: 'lower(surface)', values: SURFACES },
    tasks: TASKS.map((name) => ({ name, label: name })),
    group: 'user_id',
    split: { kind: 'time', column: 'ts' },
  };
}

const rateFields = (from: 'earlier' | { folds: number }): DatasetInput['fields'] =>
  TASKS.flatMap((task) =>
    ['user_id', 'item_id'].map((of) => ({ kind: 'rate' as const, name: `rate_${task}_${of}`, of: [of], task, from })),
  );

const MATCH = "len(list_intersect(string_split(query, ' '), string_split(title, ' ')))";

function idOf(text: string): unknown {
  try {
    return (parseJson(text) as { id?: unknown } | null)?.id;
  } catch {
    return undefined; // a file that is not ours
  }
}
