/** Small whole folders of every format, and the work that the program does with each: what damage is tried on. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../src/base/hash.ts';
import { openPrepared } from '../../src/data/prepared/open.ts';
import { gridToJson } from '../../src/documents/grid.ts';
import { exportRun, selectRun } from '../../src/export/export.ts';
import { predictRun } from '../../src/inference/predict.ts';
import type { RankRequest } from '../../src/serve/ranker/contract.ts';
import { loadRanker } from '../../src/serve/ranker/ranker.ts';
import { evaluateRun } from '../../src/train/evaluate-run.ts';
import { runTraining } from '../../src/train/run/run.ts';
import { readParquetRows } from '../data/support.ts';
import { makeRun, prepareSmall, trainWithStops } from '../train/support.ts';
import type { Trial } from './damage.ts';

export type Format = Pick<Trial, 'golden' | 'place' | 'sibling' | 'use' | 'only'>;

const TINY = { train: { batchSize: 200, searchEpochs: 1, maxEpochs: 1, patience: 1 } };
const SEQUENCES = { key: '"user"', time: 'time', item: 'item', length: 3, types: { clicked: 'click = 1' } };

/** Prepared data with row files; runs are trained on a copy that stays whole. */
export async function preparedFormats(
  folder: string,
): Promise<{ withRows: Format; withoutRows: Format; run: string; data: string }> {
  const data = await prepareSmall(folder, 500, 30, 'data', 500, SEQUENCES);
  const sibling = await prepareSmall(folder, 500, 30, 'sibling', 250, SEQUENCES);
  for (const each of [data, sibling])
    for (const split of ['train', 'validation', 'test'] as const)
      await (await (await openPrepared(each)).open(split)).close();
  const run = await makeRun(join(folder, 'run'), data, TINY);
  await trainWithStops(run);
  const place = join(folder, 'damaged-data');
  const input = join(folder, 'rows.csv');
  const [head, ...rows] = readFileSync(join(folder, 'data.csv'), 'utf8').split('\n');
  const withSequences = rows.slice(0, 60).map((row, i) => `${row},i${i % 30}|i${(i * 7) % 30}`);
  writeFileSync(input, [`${head},sequence_clicked`, ...withSequences, ''].join('\n'));
  const bare = join(folder, 'without-rows');
  cpSync(data, bare, { recursive: true });
  rmSync(join(bare, 'rows'), { recursive: true });
  const format = { place, sibling, use: () => usePrepared(place, run, input) };
  return { withRows: { ...format, golden: data }, withoutRows: { ...format, golden: bare }, run, data };
}

/** Evaluates, predicts, and reads all that a training would, twice: the second time from row files. */
async function usePrepared(data: string, run: string, input: string): Promise<unknown> {
  const read: string[] = [];
  for (const split of ['train', 'validation', 'test', 'train'] as const) {
    const reader = await (await openPrepared(data)).open(split);
    try {
      const parts: string[] = [];
      for await (const batch of reader.batches({ batchSize: 100, shuffle: { seed: 1, epoch: 1 } }))
        parts.push(sha256(Buffer.concat(Object.values(batch).filter(ArrayBuffer.isView).map(bytesOf))));
      read.push(sha256(parts.join()));
    } finally {
      await reader.close();
    }
  }
  const { grid } = await evaluateRun(run, 'test', { data });
  const output = `${data}-predictions.parquet`;
  await predictRun(run, { data, input, output });
  const predicted = await rowsOf(output);
  rmSync(output);
  return { read, grid: gridToJson(grid), predicted };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

const rowsOf = async (path: string): Promise<string> =>
  sha256(JSON.stringify(await readParquetRows(path), (_, value) => (typeof value === 'bigint' ? `${value}` : value)));

/** A finished run: evaluated, exported. */
export async function finishedFormat(folder: string, data: string): Promise<Format> {
  const golden = join(folder, 'finished', 'run');
  const sibling = join(folder, 'finished', 'sibling');
  for (const [seed, run] of [golden, sibling].entries())
    await trainWithStops(await makeRun(run, data, { ...TINY, seed: seed + 3 }));
  const place = join(folder, 'finished', 'damaged');
  const out = join(folder, 'finished', 'artifact');
  let vouched: unknown;
  return {
    golden,
    place,
    sibling,
    async use() {
      const found = await useFinished(place, out);
      if (existsSync(join(place, 'finished.json'))) {
        vouched ??= found.metrics; // of the first use, which finds the run whole
        return found;
      }
      // Like a run of 0.1: all as before but for the test metrics, which nothing vouches for. Its artifact has none.
      if (found.metrics !== undefined) throw new Error('metrics that nothing vouches for');
      return { ...found, metrics: vouched };
    },
  };
}

async function useFinished(run: string, out: string, data?: string) {
  const { grid } = await evaluateRun(run, 'test', { data });
  rmSync(out, { recursive: true, force: true });
  const { manifest } = await exportRun(run, { out, data, threads: 1 });
  return { grid: gridToJson(grid), id: manifest.id, run: manifest.run, metrics: manifest.metrics };
}

/** A run that was stopped in its second phase: taken to its end. */
export async function stoppedFormat(folder: string, data: string): Promise<Format> {
  const golden = join(folder, 'stopped', 'run');
  const sibling = join(folder, 'stopped', 'sibling');
  const train = { batchSize: 100, searchEpochs: 1, rewindEpoch: 0, maxEpochs: 2, patience: 2 };
  for (const [run, learningRate] of [
    [golden, 0.01],
    [sibling, 0.02],
  ] as const) {
    await makeRun(run, data, { train: { ...train, learningRate } });
    let steps = 0;
    await runTraining({ folder: run, emit: () => {}, shouldStop: () => ++steps >= 10 });
  }
  const place = join(folder, 'stopped', 'damaged');
  return {
    golden,
    place,
    sibling,
    async use() {
      await trainWithStops(place);
      return ['model.safetensors', 'metrics.jsonl'].map((name) => sha256(readFileSync(join(place, name))));
    },
  };
}

/** An artifact with graphs of scenarios and of flows: loaded, asked for every scenario, explained. */
export async function artifactFormat(folder: string, run: string): Promise<Format> {
  const golden = join(folder, 'artifacts', 'artifact');
  const sibling = join(folder, 'artifacts', 'sibling');
  mkdirSync(join(folder, 'artifacts'), { recursive: true });
  await selectRun(run, { out: golden });
  await exportRun(run, { out: sibling, name: 'other', calibrate: 'platt', threads: 1 });
  const place = join(folder, 'artifacts', 'damaged');
  return { golden, place, sibling, use: () => useArtifact(place, REQUESTS) };
}

const ITEMS = Array.from({ length: 6 }, (_, i) => ({ id: i, item: `i${i * 3}`, tags: ['a', `t${i % 5}`] }));
const REQUESTS: RankRequest[] = ['feed', 'search'].flatMap((scenario) =>
  ['u1', 'u19', 'nobody'].map((user) => ({
    scenario,
    context: { user, place: scenario === 'feed' ? 0 : 1 },
    items: ITEMS,
  })),
);

/** Loads it and lets it answer, with explanations: these run the graph of the flows. */
async function useArtifact(folder: string, requests: RankRequest[]): Promise<unknown> {
  const ranker = await loadRanker(folder);
  try {
    const answers: unknown[] = [];
    for (const request of requests) answers.push((await ranker.rank({ ...request, explain: true })).items);
    return answers;
  } finally {
    await ranker.close();
  }
}

const STORED = join(import.meta.dirname, '../upgrade/0.1');

/** Folders that version 0.1 wrote, by what they are. */
export function storedFormats(folder: string): Record<'prepared' | 'run' | 'artifact', Format> {
  const golden = (name: string): string => {
    const to = join(folder, 'stored', name);
    cpSync(join(STORED, name), to, { recursive: true });
    return to;
  };
  const [data, run, artifact] = [golden('prepared'), golden('run'), golden('artifact')];
  const place = (name: string): string => join(folder, 'stored', `damaged-${name}`);
  const out = join(folder, 'stored', 'out');
  return {
    prepared: {
      golden: data,
      place: place('prepared'),
      use: () => usePrepared(place('prepared'), run, join(STORED, 'rows.jsonl')),
    },
    run: { golden: run, place: place('run'), use: () => useFinished(place('run'), out, data) },
    artifact: {
      golden: artifact,
      place: place('artifact'),
      use: () =>
        useArtifact(place('artifact'), [
          { scenario: 'home', context: { user: 20 }, items: STORED_ITEMS },
          { scenario: 'search', context: { user: 4 }, items: STORED_ITEMS },
        ]),
    },
  };
}

const STORED_ITEMS = [8, 9, 12].map((item) => ({ id: item, item, price: item * 3, tags: ['a', 'd'] }));
