/** A model of sampled negatives, from rows to probabilities: they are the rates of all rows. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { datasetSchema } from '../../src/config/dataset.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { exportRun } from '../../src/export/export.ts';
import { loadRanker } from '../../src/serve/ranker/ranker.ts';
import { makeRun, temporaryFolder, trainWithStops } from '../train/support.ts';

const { path: folder, remove } = temporaryFolder();
afterAll(remove);

/** By kind of item: how often it is clicked. */
const RATES = [0.04, 0.1, 0.2, 0.35];
const SAMPLING = 0.2;

/** All rows, of which negatives were drawn as `join` draws them, with the weight 1 / rate. */
async function artifactOf(name: string, options: { weight?: string; unweighted?: boolean }): Promise<string> {
  const drawn = random('sampled rows');
  const lines = Array.from({ length: 40_000 }, (_, i) => {
    const kind = drawn.below(RATES.length);
    const click = Number(drawn.uniform() < RATES[kind]);
    const isKept = drawn.uniform() < SAMPLING;
    return click === 1 || isKept
      ? [`kind${kind}`, ['home', 'search'][i % 2], click, click === 1 ? 1 : 1 / SAMPLING]
      : [];
  }).filter((line) => line.length > 0);
  writeFileSync(join(folder, 'rows.csv'), [['kind', 'place', 'click', 'weight'], ...lines].join('\n'));
  const [data, run, out] = ['data', 'run', 'artifact'].map((part) => join(folder, name, part));
  const config = datasetSchema.parse({
    name: 'sampled',
    sources: { rows: { path: 'rows.csv' } },
    fields: [{ name: 'kind', kind: 'categorical' }],
    scenario: { expression: 'place', values: ['home', 'search'] },
    tasks: [{ name: 'click', label: 'click' }],
    ...(options.weight && { weight: options.weight }),
    split: { kind: 'random', seed: 1, ratios: [0.6, 0.3, 0.1] },
  });
  await prepare({ config, sourceFolder: folder, out: data });
  await makeRun(run, data, {
    model: { key: 'shared-bottom', embeddingDim: 4, bottomDims: [8], towerDims: [] },
    train: { maxEpochs: 12, batchSize: 64, learningRate: 0.02, l2: 0 },
  });
  await trainWithStops(run);
  await exportRun(run, { out, calibrate: 'platt', unweighted: options.unweighted, threads: 1 });
  return out;
}

async function probabilities(artifact: string): Promise<number[]> {
  const ranker = await loadRanker(artifact);
  const { items } = await ranker.score({
    scenario: 'home',
    items: RATES.map((_, kind) => ({ id: kind, kind: `kind${kind}` })),
  });
  await ranker.close();
  return items.map((item) => item.probabilities.click);
}

/** The rate among the rows that were kept. */
const sampled = (rate: number): number => rate / (rate + SAMPLING * (1 - rate));

test('by weight the probabilities are the rates of all rows; without, those of the rows that were kept', async () => {
  const near = (found: number[], wanted: number[]): void =>
    found.forEach((p, kind) => {
      expect(Math.abs(p - wanted[kind]), `kind ${kind}: ${p}, expected ${wanted[kind]}`).toBeLessThan(
        0.25 * wanted[kind],
      );
    });
  near(await probabilities(await artifactOf('weighted', { weight: 'weight' })), RATES);
  near(await probabilities(await artifactOf('plain', { weight: 'weight', unweighted: true })), RATES.map(sampled));
});
