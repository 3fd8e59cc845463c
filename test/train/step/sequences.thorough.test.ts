/** Behaviour sequences in a training step and in scoring, against sums and differences worked out in float64; whole runs. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { random } from '../../../src/base/random.ts';
import { runSchema } from '../../../src/config/run.ts';
import type { PreparedField } from '../../../src/data/encode/ids.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import type { Batch } from '../../../src/data/prepared/prepared.ts';
import { add, matmul, mul, reduceSum, reshape } from '../../../src/graph/index.ts';
import { modelExecutor } from '../../../src/inference/arena/executor.ts';
import { rowLayout } from '../../../src/inference/arena/inputs.ts';
import { view } from '../../../src/inference/arena/weights.ts';
import { inferenceGraph } from '../../../src/inference/graphs/forward.ts';
import { openModel } from '../../../src/inference/model/finished.ts';
import { predictRun } from '../../../src/inference/predict.ts';
import type { CommonOptions, ModelDefinition, ModelSizes } from '../../../src/model/contract.ts';
import { parameter } from '../../../src/model/layers/layer.ts';
import { network } from '../../../src/model/network.ts';
import { findModel } from '../../../src/model/registry.ts';
import { createSession } from '../../../src/runtime/session.ts';
import { newRun } from '../../../src/train/run/new-run.ts';
import { trainingGraph } from '../../../src/train/step/graph.ts';
import { type StepContext, trainStep } from '../../../src/train/step/step.ts';
import { fixed } from '../../../src/train/weighting/index.ts';
import { readParquetRows } from '../../data/support.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../support.ts';
import { openStep } from './open-step.ts';

const [D, F, K, L, T, B] = [3, 2, 2, 4, 2, 9];
const sizes: ModelSizes = { fields: F, scenarios: 1, tasks: T, sequences: { types: K, length: L, itemField: 1 } };
const options = { embeddingDim: D, dropout: 0 };

/** logit_t = sum_i a_it e_i + sum_kl c_klt (|x_kl|^2 + mask_kl): every place of a sequence counts in its own way, and only there. */
const model: ModelDefinition<CommonOptions> = {
  key: 'places',
  title: 'Places',
  paper: '',
  purpose: '',
  options: z.object({ embeddingDim: z.number(), dropout: z.number() }),
  presets: {},
  build() {
    const a = parameter('a', [F * D, T], { kind: 'zeros' });
    const c = parameter('c', [K * L, T], { kind: 'zeros' });
    return network([a, c], (step) => {
      const { items, mask } = step.sequences();
      const places = add(reduceSum(mul(items, items), [3]), mask); // [B,K,L]
      const fromItems = matmul(reshape(places, ['B', K * L]), c(step)); // [B,T]
      return { logits: add(matmul(step.embedding, a(step)), fromItems) };
    });
  },
};

// The first field has the table rows 0 to 4, the item field 5 to 12.
const fields: PreparedField[] = [5, 8].map((size, f) => ({
  name: `field${f}`,
  kind: 'categorical',
  offset: 5 * f,
  size,
  slots: 1,
  pooling: 'mean',
}));
const PADDING = 5;
const ROWS = 14; // the last row of the table belongs to nobody

/** Sequences of 0 to L items; few items, so that they repeat within a row and meet the target item. */
function makeBatch(): Batch {
  const generator = random('rows');
  const sequences = Array.from({ length: B * K }, () => {
    const length = generator.below(L + 1);
    return Array.from({ length: L }, (_, l) => (l < length ? PADDING + 1 + generator.below(4) : PADDING));
  });
  return {
    size: B,
    ids: Int32Array.from({ length: B * F }, (_, i) => (i % 2 === 0 ? 1 + generator.below(4) : 6 + generator.below(5))),
    sequences: Int32Array.from(sequences.flat()),
    scenario: new Int32Array(B),
    labels: Float32Array.from({ length: B * T }, (_, i) => (i === 3 ? Number.NaN : generator.below(2))),
    weight: Float32Array.from({ length: B }, (_, i) => 1 + (i % 3)),
    group: new Int32Array(B),
    row: Int32Array.from({ length: B }, (_, i) => i),
  };
}

interface Numbers {
  table: Float64Array;
  a: Float64Array;
  c: Float64Array;
}

function logitsOf({ table, a, c }: Numbers, { ids, sequences = new Int32Array() }: Batch): number[] {
  return Array.from({ length: B * T }, (_, at) => {
    const [row, t] = [Math.floor(at / T), at % T];
    let logit = 0;
    for (let i = 0; i < F * D; i++) logit += a[i * T + t] * table[ids[row * F + Math.floor(i / D)] * D + (i % D)];
    for (let place = 0; place < K * L; place++) {
      const id = sequences[row * K * L + place];
      if (id === PADDING) continue;
      const squares = table.subarray(id * D, (id + 1) * D).reduce((sum, x) => sum + x * x, 0);
      logit += c[place * T + t] * (squares + 1);
    }
    return logit;
  });
}

/** Sum over tasks of the weighted mean logistic loss of the labelled rows. */
function lossOf(numbers: Numbers, batch: Batch): number {
  const logits = logitsOf(numbers, batch);
  let loss = 0;
  for (let t = 0; t < T; t++) {
    let [sum, total] = [0, 0];
    for (let row = 0; row < B; row++) {
      const [z, y] = [logits[row * T + t], batch.labels[row * T + t]];
      if (Number.isNaN(y)) continue;
      total += batch.weight[row];
      sum += batch.weight[row] * (Math.log1p(Math.exp(-Math.abs(z))) + Math.max(z, 0) - y * z);
    }
    loss += sum / total;
  }
  return loss;
}

async function open(tableUpdates: 'lazy' | 'dense') {
  const layout = rowLayout(fields, D, sizes.sequences);
  const opened = await openStep({ model, options, sizes, layout, tableRows: ROWS, batchSize: B + 2, tableUpdates });
  const { weights, executor } = opened;
  const generator = random('weights');
  for (const numbers of [weights.dense.view, weights.tables.parts('embedding')[0].view])
    for (let i = 0; i < numbers.length; i++) numbers[i] = generator.normal();
  const context: StepContext = { ...opened, weighting: fixed([1, 1]) };
  const inference = inferenceGraph({ model, options, sizes, phase: 'train', batchSize: B });
  const arena = { ...opened, gateWidth: 0, scoring: { ...opened.buffers, gates: opened.buffers.gates } };
  const scoring = modelExecutor(arena, await createSession(inference.bytes, { threads: 1 }), inference);
  const numbers = (): Numbers => ({
    table: Float64Array.from(weights.tables.parts('embedding')[0].view),
    a: Float64Array.from(view(weights, 'a')),
    c: Float64Array.from(view(weights, 'c')),
  });
  return { context, scoring, numbers, release: () => Promise.all([executor.release(), scoring.release()]) };
}

describe('a model that reads sequences', () => {
  test.each(['lazy', 'dense'] as const)('moves table and parameters by the gradient: %s', async (tableUpdates) => {
    const { context, numbers, release } = await open(tableUpdates);
    const batch = makeBatch();
    const before = numbers();
    await trainStep(context, { batch, step: 1, epoch: 0, learningRate: 1, scalars: {} });
    const after = numbers();
    await release();
    const h = 1e-5;
    for (const name of ['table', 'a', 'c'] as const)
      before[name].forEach((value, i) => {
        const at = (x: number): number => lossOf({ ...before, [name]: before[name].with(i, x) }, batch);
        const slope = (at(value + h) - at(value - h)) / (2 * h);
        // float32 sums of some hundred terms, and a difference of numbers around 1
        expect(Math.abs(before[name][i] - after[name][i] - slope), `${name} ${i}`).toBeLessThan(2e-6);
      });
    const padding = [0, PADDING, ROWS - 1].flatMap((row) => [0, 1, 2].map((d) => row * D + d));
    for (const i of padding) expect(after.table[i]).toBe(before.table[i]);
  });

  test('scores rows as the formula does', async () => {
    const { scoring, numbers, release } = await open('lazy');
    const batch = makeBatch();
    const logits = (await scoring.run(batch)).logits.data;
    for (const [i, expected] of logitsOf(numbers(), batch).entries())
      expect(Math.abs(logits[i] - expected)).toBeLessThan(1e-5);
    await expect(scoring.run({ ...batch, sequences: undefined })).rejects.toThrow(
      /reads behaviour sequences, and the data have none/,
    );
    await release();
  });

  test('is refused where the data have none', () => {
    const without = { ...sizes, sequences: undefined };
    expect(() => trainingGraph({ model, options, sizes: without, phase: 'train', batchSize: B })).toThrow(
      /model "places" reads behaviour sequences, and the data have none/,
    );
  });
});

describe('a run on data with sequences', () => {
  const folder = temporaryFolder();
  const types = { clicked: 'click = 1', passed: 'click = 0' };
  const SEQUENCES = { key: '"user"', time: 'time', item: 'item', length: 4, types };
  const small = { key: 'dtrn', embeddingDim: 4, top: { key: 'tower', towerDims: [6] } };
  const input = { model: findModel('dtrn').options.parse(small), train: { maxEpochs: 2 } };
  const log = (name: string, sequences?: typeof SEQUENCES) => prepareSmall(folder.path, 300, 10, name, 300, sequences);
  let data: string;
  let whole: string;
  beforeAll(async () => {
    data = await log('data', SEQUENCES);
    whole = await makeRun(join(folder.path, 'whole'), data, input);
    await trainWithStops(whole);
  });
  afterAll(() => folder.remove());

  test('stopped and resumed gives the bits of the unbroken one', async () => {
    const broken = await makeRun(join(folder.path, 'broken'), data, input);
    await trainWithStops(broken, [1, 3]);
    const weightsOf = (run: string) => readFileSync(join(run, 'model.safetensors'));
    expect(weightsOf(broken).equals(weightsOf(whole))).toBe(true);
  });

  test('leaves a model that scores files with sequences as it scores the test rows', async () => {
    const scored: number[][] = [];
    const model = await openModel(whole);
    const reader = await (await openPrepared(data)).open('test');
    for await (const batch of reader.batches({ batchSize: 100 })) {
      const logits = await model.score(batch);
      for (let i = 0; i < batch.size; i++) scored.push([logits[2 * i], logits[2 * i + 1]]);
    }
    await reader.close();
    await model.close();

    // The test rows, the last of the log, with what their users clicked and passed before.
    const [header, ...lines] = readFileSync(join(folder.path, 'data.csv'), 'utf8').split('\n');
    const rows = lines.map((line) => line.split(','));
    const itemsBefore = (n: number, click: string): string =>
      rows
        .slice(0, n)
        .flatMap(([user, item, , , clicked]) => (user === rows[n][0] && clicked === click ? [item] : []))
        .join('|');
    const tests = rows.map((_, n) => n).slice(-scored.length);
    const raw = tests.map((n) => [...rows[n], itemsBefore(n, '1'), itemsBefore(n, '0')].join());
    const file = join(folder.path, 'test-rows.csv');
    writeFileSync(file, [`${header},sequence_clicked,sequence_passed`, ...raw].join('\n'));
    const output = join(folder.path, 'scored.parquet');
    const result = await predictRun(whole, { input: file, output });
    expect(result).toMatchObject({ rows: scored.length, scored: scored.length });
    for (const [i, row] of (await readParquetRows(output)).entries()) {
      const [click, buy] = scored[i].map((logit) => 1 / (1 + Math.exp(-logit)));
      expect(row.probability_click).toBeCloseTo(click, 6);
      expect(row.probability_buy).toBeCloseTo(buy, 6);
    }
  });

  test('can be gone on from where the types are the same', async () => {
    const { clicked, passed } = types;
    const other = await log('other', { ...SEQUENCES, types: { passed, clicked } });
    const begin = async (name: string, on: string) => {
      const config = runSchema.parse({ ...input, warmStart: whole });
      return newRun(config, await openPrepared(on), { folder: join(folder.path, name) });
    };
    expect(await begin('goes-on', data)).toBe(join(folder.path, 'goes-on'));
    await expect(begin('refused', other)).rejects.toThrow(
      /sequences: clicked,passed of item there, passed,clicked of item here/,
    );
  });

  test('needs them: what is missing is said before the run has a folder', async () => {
    const plain = await openPrepared(await log('plain'));
    const place = join(folder.path, 'none');
    await expect(newRun(runSchema.parse(input), plain, { folder: place })).rejects.toThrow(
      /data have no behaviour sequences/,
    );
    expect(existsSync(place)).toBe(false);
  });
});

test('a model that reads sequences has no graph for data without them', () => {
  const { sequences: _, ...without } = sizes;
  expect(() => inferenceGraph({ model, options, sizes: without, phase: 'train', batchSize: B })).toThrow(
    expect.objectContaining({
      code: 'SEQUENCES_MISSING',
      message: expect.stringMatching(/"places" reads behaviour sequences, and the data have none\. Add "sequences"/),
    }),
  );
});
