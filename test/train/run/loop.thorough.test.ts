import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluationSchema, runSchema } from '../../../src/config/run.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { numberOf } from '../../../src/evaluate/index.ts';
import { view } from '../../../src/inference/arena/weights.ts';
import { openModel } from '../../../src/inference/model/finished.ts';
import { readJsonLines } from '../../../src/store/json-lines.ts';
import { latestCheckpoint } from '../../../src/store/run/checkpoint.ts';
import { loadModel } from '../../../src/store/run/model-file.ts';
import { readMetrics, readTimings } from '../../../src/store/run/run-folder.ts';
import { evaluateSplit, newGrid } from '../../../src/train/evaluate-split.ts';
import type { TrainingEvent } from '../../../src/train/run/events.ts';
import { runTraining } from '../../../src/train/run/run.ts';
import { setUp } from '../../../src/train/run/setup.ts';
import { applyWarmStart } from '../../../src/train/run/warm-start.ts';
import { initialize } from '../../../src/train/step/initialize.ts';
import { dwaWeights } from '../../../src/train/weighting/dwa.ts';
import {
  makeRun,
  prepareSmall,
  resumesToTheSameBits,
  SMALL_M3OE,
  SMALL_MODEL,
  temporaryFolder,
  trainWithStops,
} from '../support.ts';

const folder = temporaryFolder();
let data: string;
let counter = 0;
const newRun = (input?: Record<string, unknown>) => makeRun(join(folder.path, `run${++counter}`), data, input);
const weightsOf = (run: string) => readFileSync(join(run, 'model.safetensors'));
const metricsOf = (run: string) => readFileSync(join(run, 'metrics.jsonl'), 'utf8');

/** A line of metrics.jsonl that has a monitored value. */
type Validation = { kind: string; step?: number; monitor: number; best: boolean };

beforeAll(async () => {
  data = await prepareSmall(folder.path);
});
afterAll(() => folder.remove());

describe('a run', () => {
  test('learns: training losses fall and the AUC of what can be learned is above chance', async () => {
    const events: TrainingEvent[] = [];
    const run = await newRun({ train: { maxEpochs: 12, patience: 12 } });
    await runTraining({ folder: run, emit: (event) => events.push(event), shouldStop: () => false });
    const epochs = events.filter((event) => event.event === 'epoch');
    expect(epochs.map((event) => event.phase)).toEqual([...Array(3).fill('search'), ...Array(12).fill('retrain')]);
    expect(epochs.at(-1)?.losses.click).toBeLessThan(0.95 * (epochs[0]?.losses.click as number));
    const result = events.at(-1);
    if (result?.event !== 'result') throw new Error('the last event must be the result');
    const click = result.grid.cells.find((cell) => cell.task === 'click')?.auc;
    expect(click).toHaveProperty('value');
    expect((click as { value: number }).value).toBeGreaterThan(0.6);
  });

  test('repeats bit for bit, and another seed gives other weights', async () => {
    const [first, second, other] = [await newRun(), await newRun(), await newRun({ seed: 4 })];
    for (const run of [first, second, other]) await trainWithStops(run);
    expect(weightsOf(second).equals(weightsOf(first))).toBe(true);
    expect(metricsOf(second)).toBe(metricsOf(first));
    expect(weightsOf(other).equals(weightsOf(first))).toBe(false);
  });

  test.each([
    ['lazy tables, shuffled', {}],
    [
      'dropout, clipping, cosine, AdamW',
      {
        model: { ...SMALL_MODEL, dropout: 0.2 },
        train: { optimizer: 'adamw', weightDecay: 0.01, clipNorm: 0.5, schedule: { kind: 'cosine', warmupSteps: 3 } },
      },
    ],
  ])('stopped and resumed anywhere gives the bits of the unbroken run: %s', (_name, input) =>
    resumesToTheSameBits(newRun, input),
  );

  test('validates several times in an epoch, and stops within it', async () => {
    const model = { key: 'shared-bottom', embeddingDim: 4, bottomDims: [8], towerDims: [4] };
    const options = { learningRate: 0.3, validationsPerEpoch: 3, patience: 4, maxEpochs: 20, monitor: 'logloss' };
    const run = await newRun({ model, train: { ...options, weightAverage: 0.5 } });
    await trainWithStops(run);
    const lines = readMetrics(run).filter(({ kind }) => kind === 'epoch' || kind === 'validation') as Validation[];
    const values = lines.map(({ monitor }) => monitor);
    const bestAt = values.indexOf(Math.min(...values));
    expect(lines.length).toBe(bestAt + 1 + 4);
    const epochs = lines.filter(({ kind }) => kind === 'epoch');
    expect(lines.slice(0, 3).map(({ kind, step }) => [kind, step])).toEqual([
      ['validation', 2],
      ['validation', 4],
      ['epoch', undefined],
    ]);
    expect(epochs.findLastIndex(({ best }) => best)).toBe(Math.floor(bestAt / 3));
    // The finished model is the one that gave the best value: an average of weights.
    const prepared = await openPrepared(data);
    const finished = await openModel(run, { backend: 'node', batchSize: 64 });
    const validation = await prepared.open('validation');
    const grid = await evaluateSplit(
      finished.executor,
      validation,
      newGrid(prepared.manifest, evaluationSchema.parse({})),
    );
    await validation.close();
    await finished.close();
    expect(numberOf(grid.macro.logloss)).toBeCloseTo(values[bestAt], 6);
  });

  test('what gates let through is logged for each epoch in which they learn', async () => {
    const epochsOf = async (input: Record<string, unknown>) => {
      const run = await newRun(input);
      await trainWithStops(run);
      return readMetrics(run).filter((line) => line.kind === 'epoch');
    };
    const flows = await epochsOf({ train: { searchEpochs: 2, maxEpochs: 1 } });
    expect(flows.map(({ phase, gates }) => [phase, gates?.names.length])).toEqual([
      ['search', 4],
      ['search', 4],
      ['retrain', undefined],
    ]);
    const { gates, validation } = flows[0];
    expect(gates?.open).toHaveLength(validation.cells.length);
    for (const share of gates?.open.flat() ?? []) expect(share).toSatisfy((x: number) => x > 0 && x < 1);
  });

  test.each([
    [{ key: 'mmoe', experts: 3 }, ['expert 1', 'expert 2', 'expert 3']],
    [{ key: 'ple', sharedExperts: 2, specificExperts: 1 }, ['own expert 1', 'shared expert 1', 'shared expert 2']],
    [{ key: 'hinet', sharedExperts: 1, specificExperts: 2 }, ['own expert 1', 'own expert 2', 'shared expert 1']],
    [{ key: 'm3oe', experts: 2 }, ['expert 1', 'expert 2']],
  ])('of $key, what the gate of a cell gives to its experts adds up to 1', async (model, names) => {
    const run = await newRun({ model, train: { maxEpochs: 1 } });
    await trainWithStops(run);
    const [line] = readMetrics(run).filter(({ kind }) => kind === 'epoch');
    const { gates } = line as Extract<typeof line, { kind: 'epoch' }>;
    expect(gates?.names).toEqual(names);
    expect(gates?.open.length).toBeGreaterThan(0);
    for (const shares of gates?.open ?? [])
      expect(shares.reduce((sum: number, share) => sum + Number(share), 0)).toBeCloseTo(1, 5);
  });

  test('early stopping keeps the weights of the best epoch', async () => {
    const run = await newRun({ train: { learningRate: 0.3, maxEpochs: 20, patience: 2 } });
    await trainWithStops(run);
    const lines = readMetrics(run); // fails on a line that does not fit its schema
    expect(lines).toEqual(readJsonLines(join(run, 'metrics.jsonl')));
    const epochs = lines.filter((line) => line.kind === 'epoch').filter(({ phase }) => phase === 'retrain');
    const monitors = epochs.map(({ monitor }) => monitor as number);
    const best = Math.max(...monitors);
    expect(readTimings(run)).toHaveLength(lines.filter(({ kind }) => kind === 'epoch').length + 1);
    const bestAt = monitors.indexOf(best);
    expect(epochs.length).toBeLessThan(20);
    expect(epochs.length).toBe(bestAt + 1 + 2);
    expect(epochs.map((line) => line.best).lastIndexOf(true)).toBe(bestAt);
  });

  test('a loss that is not finite names step, task, learning rate and gradient, and keeps the checkpoint', async () => {
    const run = await newRun({ train: { optimizer: 'sgd', learningRate: 1e30 } });
    const failure = trainWithStops(run);
    await expect(failure).rejects.toMatchObject({ code: 'LOSS_NOT_FINITE', exitCode: 5 });
    await expect(failure).rejects.toThrow(
      /task "(click|buy)" is not finite at step \d+ .*learning rate 1e\+30, largest gradient/,
    );
  });

  test('refuses another data set, a damaged model and a damaged checkpoint', async () => {
    const run = await newRun();
    await trainWithStops(run);
    const bytes = weightsOf(run);
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(join(run, 'model.safetensors'), bytes);
    await expect(openModel(run)).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
  });
});

describe('weightings of tasks', () => {
  interface Line {
    kind: string;
    phase: string;
    losses: { click: number; buy: number };
    taskWeights: { click: number; buy: number };
  }
  const pair = ({ click, buy }: Line['losses']): [number, number] => [click, buy];
  /** Steps and epochs of each phase as metrics.jsonl has them, every step among them. */
  const train = async (input: Record<string, unknown>) => {
    const run = await newRun({ ...input, train: { metricsEverySteps: 1, ...(input.train as object) } });
    await trainWithStops(run);
    const lines = readJsonLines(join(run, 'metrics.jsonl')) as Line[];
    const of = (phase: string, kind: string) => lines.filter((line) => line.phase === phase && line.kind === kind);
    return { run, of };
  };

  test('every phase begins with equal weights and a new memory', async () => {
    for (const kind of ['uncertainty', 'dwa', 'gradnorm']) {
      const { of } = await train({ train: { taskWeighting: { kind }, maxEpochs: 1 } });
      expect(pair(of('search', 'epoch').at(-1)?.taskWeights as Line['taskWeights']), kind).not.toEqual([1, 1]);
      expect(pair(of('retrain', 'step')[0].taskWeights), kind).toEqual([1, 1]);
      if (kind === 'dwa')
        for (const { taskWeights } of of('retrain', 'step')) expect(pair(taskWeights)).toEqual([1, 1]);
    }
  });

  const mmoe = { key: 'mmoe', embeddingDim: 4 };

  test('uncertainty: variances are learned and kept in checkpoints, not in the finished model', async () => {
    const { run, of } = await train({ model: mmoe, train: { taskWeighting: { kind: 'uncertainty' }, maxEpochs: 2 } });
    const [before, after] = of('train', 'step');
    // Adam's first step is the learning rate, 0.01: s goes up where the loss is above 1/2, and down where it is below.
    const moved = pair(before.losses).map((loss) => Math.exp(loss > 0.5 ? -0.01 : 0.01));
    pair(after.taskWeights).forEach((weight, t) => {
      expect(weight).toBeCloseTo(moved[t], 5);
    });
    const checkpoint = latestCheckpoint(join(run, 'checkpoints'))?.tensors.get('weighting.logVariance')
      ?.data as Float32Array;
    const last = pair(of('train', 'epoch').at(-1)?.taskWeights as Line['taskWeights']);
    expect(Array.from(checkpoint, (s) => Math.exp(-s))).toEqual(last);
    expect([...loadModel(run).tensors.keys()].filter((name) => name.startsWith('weighting'))).toEqual([]);
    const again = await train({
      model: mmoe,
      warmStart: run,
      train: { taskWeighting: { kind: 'uncertainty' }, maxEpochs: 1 },
    });
    expect(pair(again.of('train', 'step')[0].taskWeights)).toEqual([1, 1]);
  });

  test('DWA: the weights of an epoch follow from the losses of the two before', async () => {
    const { of } = await train({ model: mmoe, train: { taskWeighting: { kind: 'dwa' }, maxEpochs: 4 } });
    const epochs = of('train', 'epoch');
    epochs.forEach(({ taskWeights }, i) => {
      const expected = dwaWeights(
        epochs.slice(Math.max(0, i - 2), i).map(({ losses }) => pair(losses)),
        2,
        2,
      );
      expect(pair(taskWeights)).toEqual(expected);
    });
    expect(pair(epochs[2].taskWeights)).not.toEqual([1, 1]);
  });

  test('GradNorm: weights move at every step and add up to T', async () => {
    const { of } = await train({ model: mmoe, train: { taskWeighting: { kind: 'gradnorm' }, maxEpochs: 2 } });
    const weights = of('train', 'step').map(({ taskWeights }) => pair(taskWeights));
    expect(new Set(weights.map(([click]) => click)).size).toBe(weights.length);
    for (const [click, buy] of weights) expect(click + buy).toBeCloseTo(2, 9);
  });

  test('PCGrad: shares are 1 without a conflict and more with one; the losses weigh what the run says', async () => {
    const { of } = await train({
      model: mmoe,
      train: { taskWeighting: { kind: 'pcgrad' }, taskWeights: { buy: 2 }, maxEpochs: 3, batchSize: 20 },
    });
    const weights = of('train', 'step').map(({ taskWeights }) => pair(taskWeights));
    const conflicts = weights.filter(([click]) => click !== 1);
    expect(conflicts.length).toBeGreaterThan(0);
    expect(conflicts.length).toBeLessThan(weights.length);
    for (const [click, buy] of weights) {
      if (click === 1) expect(buy).toBe(2);
      else expect([click > 1, buy > 2]).toEqual([true, true]);
    }
    for (const { taskWeights } of of('train', 'epoch')) expect(pair(taskWeights)).toEqual([1, 2]);
  });
});

describe('phases', () => {
  test('retraining starts from the rewound weights with the gates of the search, frozen', async () => {
    const run = await newRun({ train: { maxEpochs: 1 } });
    await trainWithStops(run);
    const { tensors } = loadModel(run);
    const longer = await newRun({ train: { maxEpochs: 3, patience: 3, retrain: { learningRate: 0.002 } } });
    await trainWithStops(longer);
    const later = loadModel(longer).tensors;
    for (const [name, { data: gate }] of tensors)
      if (name.startsWith('gate')) expect(later.get(name)?.data).toEqual(gate);
    expect(later.get('shared.0.kernel')?.data).not.toEqual(tensors.get('shared.0.kernel')?.data);
  });
});

describe('a group that learns from validation rows', () => {
  const balance = ['domain', 'task', 'ownDomain', 'ownTask'].map((name) => `balance.${name}`);
  /** The weights after one epoch, by name; the balances start at 1. */
  const trained = async (balanceFrom: string, from = data) => {
    const model = { ...SMALL_M3OE, balanceFrom, balanceLearningRate: 0.25 };
    const input = { model, train: { maxEpochs: 1, learningRate: 0.01 } };
    const run = await makeRun(join(folder.path, `run${++counter}`), from, input);
    await trainWithStops(run);
    return Object.fromEntries(
      [...loadModel(run).tensors].map(([name, tensor]) => [name, [...tensor.data].map(Number)]),
    );
  };

  test('takes one step in an epoch at a learning rate of its own, and none on training rows', async () => {
    const weights = await trained('validation');
    for (const name of balance) expect(Math.abs(weights[name][0] - 1)).toBeCloseTo(0.25, 4); // Adam's first step
  });

  test('learns from validation rows alone, and nothing else does', async () => {
    const { splits } = (await openPrepared(data)).manifest;
    const turned = await prepareSmall(folder.path, 700, 30, 'turned', splits.train.rows);
    const [one, other] = [await trained('validation'), await trained('validation', turned)];
    expect(balance.map((name) => one[name])).not.toEqual(balance.map((name) => other[name]));
    for (const name of Object.keys(one).filter((name) => !balance.includes(name)))
      expect(other[name], name).toEqual(one[name]);
  });

  test('learns like all others where the options say so', async () => {
    const weights = await trained('training');
    for (const name of balance) {
      expect(weights[name]).not.toEqual([1]);
      expect(Math.abs(weights[name][0] - 1)).toBeLessThan(0.06); // five steps or so at 0.01
    }
  });
});

describe('warm start', () => {
  test('takes over rows by token, leaves new tokens as drawn, and goes on training', async () => {
    const run = await newRun();
    await trainWithStops(run);
    const tomorrow = await prepareSmall(folder.path, 900, 40, 'tomorrow');
    const [yesterday, today] = [await openPrepared(data), await openPrepared(tomorrow)];
    const setup = await setUp(runSchema.parse({ model: SMALL_MODEL }), today);
    initialize(setup.weights, today.manifest.tableRows, 4, 3);
    const drawn = setup.weights.tables.parts('embedding')[0].view.slice();
    await applyWarmStart(setup, run);

    const trained = loadModel(run).tensors;
    const kernel = trained.get('shared.0.kernel')?.data as Float32Array;
    expect([...view(setup.weights, 'shared.0.kernel')]).toEqual([...kernel]);
    const row = (table: ArrayLike<number>, index: number) => Array.from({ length: 4 }, (_, d) => table[index * 4 + d]);
    let added = 0;
    for (const [i, field] of today.manifest.fields.entries()) {
      const before = await yesterday.tokens(field.name);
      for (const [id, token] of (await today.tokens(field.name)).entries()) {
        const old = id < 2 ? id : before.indexOf(token, 2);
        const expected =
          old < 0
            ? row(drawn, field.offset + id)
            : row(trained.get('embedding')?.data as Float32Array, yesterday.manifest.fields[i].offset + old);
        expect(row(setup.weights.tables.parts('embedding')[0].view, field.offset + id)).toEqual(expected);
        if (old < 0) added++;
      }
    }
    expect(added).toBe(10);

    const warm = await makeRun(join(folder.path, 'warm'), tomorrow, { warmStart: run });
    await trainWithStops(warm);
    expect(loadModel(warm).description.data.tableRows).toBe(today.manifest.tableRows);
  });

  test('refuses a run of other sizes, naming each difference', async () => {
    const run = await newRun();
    await trainWithStops(run);
    const other = await newRun({ model: { ...SMALL_MODEL, mlpDims: [16, 12, 9] }, warmStart: run });
    await expect(trainWithStops(other)).rejects.toMatchObject({ code: 'WARM_START_MISMATCH' });
    await expect(trainWithStops(other)).rejects.toThrow(/scenario\.0\.kernel: 12,8 there, 12,9 here/);
  });
});
