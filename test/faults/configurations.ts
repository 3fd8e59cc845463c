/** Configurations of every kind, and what reads them: whatever is in one, it is read or refused with a code. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { loadDatasetConfig, loadRunConfig } from '../../src/config/load.ts';
import { loadComparisonConfig } from '../../src/config/load-compare.ts';
import { loadServing } from '../../src/config/load-serving.ts';
import { loadTuneConfig } from '../../src/config/load-tune.ts';
import { validate } from '../../src/data/checks/validate.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { models } from '../../src/model/registry.ts';
import { isRefusal } from './damage.ts';

const DATASET = `# a shop
name: shop
sources:
  log: { path: log.csv, derive: { late: 'ts > 4' } }
  users: { path: users.csv }
from: log
joins: [{ source: users, on: { user: id } }]
where: price > 0
fields:
  - { name: user, kind: categorical }
  - { name: age, kind: numeric, buckets: { edges: [20, 30] } }
  - { name: price, kind: numeric, buckets: { quantiles: 3 } }
  - { name: tags, kind: multi, maxLength: 2, separator: '|' }
scenario: { expression: place, values: [home, search], names: [Home, Search] }
tasks:
  - { name: click, label: click }
  - { name: saved, label: "CASE WHEN place = 'home' THEN saved END" }
weight: w
group: user
split: { kind: time, column: ts, ratios: [0.6, 0.2, 0.2] }
sequences: { key: '"user"', time: ts, item: user, length: 2, types: { clicked: click = 1 } }
vocabulary: { from: train, minCount: 1 }
`;
const RUN = `model: { key: autoifs, embeddingDim: 8, mlpDims: [16, 8], loraRank: 2 }
seed: 3
train:
  batchSize: 64
  learningRate: 0.01
  schedule: { kind: cosine }
  taskWeights: { click: 2 }
  groups: { gate: { learningRateScale: 0.01, l2: 0 } }
`;
const SERVING = `port: 8080
host: 127.0.0.1
limits: { items: 100, waitingRows: 100000 }
batching: { rows: 64, windowMs: 2 }
score: { shop: { default: click + saved, scenarios: { home: click } } }
keys: [{ name: web, sha256: ${'0a'.repeat(32)} }]
rateLimit: { requests: 10 }
trustProxy: [10.0.0.0/8]
`;
const COMPARE = `data: [data]
models:
  - { model: mmoe, grid: { train.learningRate: [0.1, 0.01] } }
  - { model: autoifs, label: ours, options: { model: { loraRank: 2 } } }
references: [{ model: single-task, by: task }]
seeds: [1, 2]
baseline: ours
common: { train: { batchSize: 1024, maxEpochs: 20, patience: 2 } }
`;
const TUNE = `data: data
model: mmoe
options: { train: { maxEpochs: 3 } }
space:
  train.learningRate: { low: 0.0001, high: 0.1, log: true }
  model.embeddingDim: { choices: [4, 8] }
method: { kind: random, trials: 4 }
seed: 1
`;

/** What reads a file of the name. */
const READERS: Record<string, (config: never) => Promise<unknown>> = {
  dataset: (config) => loadDatasetConfig(config),
  run: (config) => loadRunConfig({ models, config }),
  serving: (config) => loadServing(config),
  compare: (config) => loadComparisonConfig(config, models),
  tune: (config) => loadTuneConfig(config, { models }),
};

const TEXTS: Record<string, string> = { dataset: DATASET, run: RUN, serving: SERVING, compare: COMPARE, tune: TUNE };

/** The configurations by name, and what reads each from an object. */
export const CONFIGURATIONS = Object.entries(TEXTS).map(([name, text]) => ({
  name,
  value: parse(text) as unknown,
  read: READERS[name] as (config: object) => Promise<unknown>,
}));

/** Writes each configuration as YAML and as JSON. */
export function writeConfigurations(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(TEXTS)) {
    writeFileSync(join(folder, `${name}.yaml`), text);
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(parse(text), undefined, 2));
  }
  const rows = Array.from({ length: 30 }, (_, i) =>
    [`u${i % 5}`, ['home', 'search'][i % 2], 1 + (i % 7), 'a|b', i, 1 + (i % 2), i % 2, Number(i % 3 === 0)].join(),
  );
  writeFileSync(join(folder, 'log.csv'), ['user,place,price,tags,ts,w,click,saved', ...rows, ''].join('\n'));
  const users = Array.from({ length: 5 }, (_, i) => `u${i},${18 + 5 * i}`);
  writeFileSync(join(folder, 'users.csv'), ['id,age', ...users, ''].join('\n'));
}

/**
 * Reads all that can be read. What is damaged may be another configuration: then it is read as that; no result is compared.
 *
 * @param withData also validate and prepare the data set
 */
export async function useConfigurations(folder: string, withData: boolean): Promise<string[]> {
  const outcomes: string[] = [];
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
      outcomes.push('taken');
    } catch (cause) {
      if (!isRefusal(cause)) throw cause;
      outcomes.push('refused');
    }
  };
  for (const [name, read] of Object.entries(READERS))
    for (const extension of ['yaml', 'json']) {
      const path = join(folder, `${name}.${extension}`);
      await attempt(() => read(path as never));
      if (!withData || name !== 'dataset' || outcomes.at(-1) === 'refused') continue;
      const config = await loadDatasetConfig(path);
      await attempt(() => validate(config, folder));
      await attempt(() => prepare({ config, sourceFolder: folder, out: join(folder, `out-${extension}`) }));
    }
  return outcomes;
}
