/**
 * Single task, shared bottom, cross-stitch, PLE, ESMM and AITM against their formulas, row by row in plain loops: what the published numbers'
 * sizes and options leave out, and the same models on a bottom of its own for each task.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { reshape, transpose } from '../../src/graph/index.ts';
import { buildForward } from '../../src/inference/graphs/forward.ts';
import type { CommonOptions, ModelDefinition, ModelSizes } from '../../src/model/contract.ts';
import { network, type OptionsOf } from '../../src/model/network.ts';
import { findModel } from '../../src/model/registry.ts';
import type { AitmOptions } from '../../src/model/zoo/aitm.ts';
import type { crossStitch as crossStitchModel } from '../../src/model/zoo/cross-stitch.ts';
import type { EsmmOptions } from '../../src/model/zoo/esmm.ts';
import type { PleOptions } from '../../src/model/zoo/ple.ts';
import type { SharedBottomOptions } from '../../src/model/zoo/shared-bottom.ts';
import type { SingleTaskOptions } from '../../src/model/zoo/single-task.ts';
import { evaluate } from '../graph/evaluate.ts';
import { AITM_CASES } from './aitm-cases.ts';
import { CROSS_STITCH_CASES } from './cross-stitch-cases.ts';
import { diagnostics, scoringFeeds } from './diagnostics.ts';
import { ESMM_CASES } from './esmm-cases.ts';
import {
  expectFormulas,
  headOf,
  holdsFormulas,
  type ModelFormulas,
  type Row,
  range,
  times,
  tower,
} from './formulas.ts';
import { PLE_CASES } from './ple-cases.ts';
import { referenceLogits } from './reference-loss.ts';
import { SHARED_BOTTOM_CASES } from './shared-bottom-cases.ts';
import { SINGLE_TASK_CASES } from './single-task-cases.ts';
import { feedsFor, open, setupOf, sum } from './support.ts';

/** What the networks of a head read. */
type Inputs = (row: Row, head: number) => number[];

const same: Inputs = ({ x }) => x;

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

function softmax(logits: readonly number[]): number[] {
  const powers = logits.map((z) => Math.exp(z));
  return powers.map((power) => power / sum(powers));
}

const mix = (weights: readonly number[], vectors: readonly number[][]): number[] =>
  vectors[0].map((_, i) => sum(vectors.map((vector, k) => weights[k] * vector[i])));

const blocks = ({ block }: Row, name: string, dims: readonly number[], x: number[], member?: number): number[] =>
  range(dims.length).reduce((hidden, i) => block(`${name}.${i}`, hidden, member), x);

/** Each field's part of a head in a table that holds one embedding for each head. */
const ownPart: Inputs = ({ x, setup }, head) => {
  const { embeddingDim, sharedEmbedding, heads } = setup.options as SingleTaskOptions;
  const count = heads === 'product' ? setup.sizes.tasks * setup.sizes.scenarios : setup.sizes.tasks;
  return sharedEmbedding ? x : x.filter((_, i) => Math.floor(i / embeddingDim) % count === head);
};

const singleTask = (inputs: Inputs) => (row: Row) => {
  const { bottomDims, towerDims, heads } = row.setup.options as SingleTaskOptions;
  return range(row.setup.sizes.tasks).map((task) => {
    const head = headOf(row, heads, task);
    return tower(row, towerDims, head, blocks(row, 'bottom', bottomDims, inputs(row, head), head));
  });
};

const sharedBottom = (inputs: Inputs) => (row: Row) => {
  const { bottomDims, towerDims, heads } = row.setup.options as SharedBottomOptions;
  return range(row.setup.sizes.tasks).map((task) => {
    const head = headOf(row, heads, task);
    return tower(row, towerDims, head, blocks(row, 'bottom', bottomDims, inputs(row, head)));
  });
};

const crossStitch = (inputs: Inputs) => (row: Row) => {
  const { bottomDims, towerDims, heads, ownShare } = row.setup.options as OptionsOf<typeof crossStitchModel>;
  const { tasks, scenarios } = row.setup.sizes;
  const all = range(heads === 'product' ? tasks * scenarios : tasks);
  const start = (to: number, from: number): number =>
    all.length === 1 ? 1 : to === from ? ownShare : (1 - ownShare) / (all.length - 1);
  let x = all.map((head) => inputs(row, head));
  bottomDims.forEach((_, l) => {
    const made = all.map((head) => row.block(`bottom.${l}`, x[head], head));
    x = all.map((to) =>
      mix(
        all.map((from) => start(to, from) + row.at(`stitch.${l}.kernel`, to, from)),
        made,
      ),
    );
  });
  return range(tasks).map((task) => {
    const head = headOf(row, heads, task);
    return tower(row, towerDims, head, x[head]);
  });
};

/** Rows of the shared experts are kept for every head, though they differ between tasks only. */
const ple = (inputs: Inputs) => (row: Row) => {
  const { levels, specificExperts, sharedExperts, towerDims, heads } = row.setup.options as PleOptions;
  const { tasks, scenarios } = row.setup.sizes;
  const all = range(heads === 'product' ? tasks * scenarios : tasks);
  let own = all.map((head) => inputs(row, head));
  let shared = own;
  levels.forEach((dims, l) => {
    const [before, sharedBefore] = [own, shared];
    const P = all.map((head) =>
      range(specificExperts).map((k) =>
        blocks(row, `level.${l}.specific`, dims, before[head], head * specificExperts + k),
      ),
    );
    const Q = all.map((head) =>
      range(sharedExperts).map((k) => blocks(row, `level.${l}.shared`, dims, sharedBefore[head], k)),
    );
    own = all.map((head) => mix(softmax(row.dense(`level.${l}.gate`, before[head], head)), [...P[head], ...Q[head]]));
    if (l < levels.length - 1)
      shared = all.map((head) =>
        mix(softmax(row.dense(`level.${l}.sharedGate`, sharedBefore[head])), [...P.flat(), ...Q[head]]),
      );
  });
  return range(tasks).map((task) => {
    const head = headOf(row, heads, task);
    return tower(row, towerDims, head, own[head]);
  });
};

const esmm = (inputs: Inputs) => (row: Row) => {
  const { towerDims, heads } = row.setup.options as EsmmOptions;
  const [a, b] = [0, 1].map((task) => {
    const head = headOf(row, heads, task);
    return tower(row, towerDims, head, inputs(row, head));
  });
  const p = sigmoid(a) * sigmoid(b);
  return [a, Math.log(p / (1 - p))];
};

const aitm = (inputs: Inputs) => (row: Row) => {
  const { bottomDims, towerDims, towersPerScenario } = row.setup.options as AitmOptions;
  const width = bottomDims.at(-1) as number;
  const applied = (part: string, v: number[]): number[] =>
    range(width).map((out) => sum(v.map((value, i) => value * row.at(`attention.${part}.kernel`, i, out))));
  let o: number[] = [];
  return range(row.setup.sizes.tasks).map((task) => {
    const q = blocks(row, 'bottom', bottomDims, inputs(row, task), task);
    if (task === 0) o = q;
    else {
      const both = [q, row.block(`transfer.${task}.0`, o)];
      const scores = both.map((v) => sum(times(applied('query', v), applied('key', v))) / Math.sqrt(width));
      o = mix(
        softmax(scores),
        both.map((v) => applied('value', v)),
      );
    }
    return tower(row, towerDims, headOf(row, towersPerScenario ? 'product' : 'shared', task), o);
  });
};

const MODELS: ModelFormulas[] = [
  ['single-task', singleTask(ownPart), SINGLE_TASK_CASES],
  ['shared-bottom', sharedBottom(same), SHARED_BOTTOM_CASES],
  ['cross-stitch', crossStitch(same), CROSS_STITCH_CASES],
  ['ple', ple(same), PLE_CASES],
  ['esmm', esmm(same), ESMM_CASES],
  ['aitm', aitm(same), AITM_CASES],
];

holdsFormulas(MODELS);

/** The model on T bottoms: rows have a field for each task, whose embedding is that task's bottom. */
function onBottoms(key: string): ModelDefinition<CommonOptions> {
  const { top, ...model } = findModel(key);
  if (top === undefined) throw new Error(`${key} does not stand on bottoms`);
  return {
    ...model,
    build(options, sizes) {
      const whole = top(options, options.embeddingDim, sizes);
      return network([whole], (step) => {
        const rows = reshape(step.embedding, ['B', sizes.tasks, options.embeddingDim]);
        return { logits: whole(transpose(rows, [1, 0, 2]), step).logits };
      });
    },
  };
}

/** The bottom of the task that a head (or a task, where heads are tasks) belongs to. */
const bottomOf =
  (perScenario: (options: CommonOptions) => boolean): Inputs =>
  ({ x, setup: { options, sizes } }, head) => {
    const task = perScenario(options) ? Math.floor(head / sizes.scenarios) : head;
    return x.slice(task * options.embeddingDim, (task + 1) * options.embeddingDim);
  };
const byHeads = bottomOf((options) => (options as PleOptions).heads === 'product');
const byTasks = bottomOf(() => false);

test.each([
  ['single-task', singleTask(byHeads), SINGLE_TASK_CASES],
  ['shared-bottom', sharedBottom(byHeads), SHARED_BOTTOM_CASES],
  ['cross-stitch', crossStitch(byHeads), CROSS_STITCH_CASES],
  ['ple', ple(byHeads), PLE_CASES],
  ['esmm', esmm(byHeads), ESMM_CASES],
  ['aitm', aitm(byTasks), AITM_CASES],
] satisfies ModelFormulas[])('%s gives them on a bottom for each task, too', async (key, formulas, { anySizes }) => {
  const property = fc.asyncProperty(anySizes, ({ options, sizes }) => {
    const onTasks: ModelSizes = { ...sizes, fields: sizes.tasks };
    return expectFormulas(setupOf(onBottoms(key), { ...options, norm: 'none' }, onTasks, 'train'), formulas);
  });
  await fc.assert(property, { numRuns: 12, seed: 9 });
});

test.each([
  [0, 0],
  [80, -3],
  [-3, 80],
  [80, 80],
  [-80, -80],
  [-80, 80],
])(
  "ESMM's second logit is that of the product of sigma(%d) and sigma(%d), and its gradient is finite",
  async (a, b) => {
    const sizes = { fields: 1, scenarios: 1, tasks: 2, orderedTasks: true };
    const setup = setupOf(findModel('esmm'), { embeddingDim: 2, towerDims: [] }, sizes, 'train');
    const subject = await open(setup);
    const feeds = feedsFor([...subject.training.inputs, ...subject.inputs], setup, 2);
    feeds['tower.0.kernel'].data.fill(0);
    feeds['tower.0.bias'].data.set([a, b]);
    const { data } = await subject.logits(feeds);
    const expected = -Math.log(Math.exp(-a) + Math.exp(-b) + Math.exp(-a - b));
    expect(data[0]).toBe(a);
    expect(Math.abs(data[1] - expected)).toBeLessThan(1e-6 * (1 + Math.abs(expected)));
    const { gradient, taskLosses } = await subject.train(feeds);
    await subject.release();
    expect([...gradient.data, ...taskLosses.data].every(Number.isFinite)).toBe(true);
    expect(diagnostics(setup, scoringFeeds(setup, 3)).cvr.shape).toEqual([3]);
  },
);

test('ESMM refuses tasks of which the second does not imply the first, and says what it found', () => {
  const model = findModel('esmm');
  const told = (tasks: number, orderedTasks: boolean): string[] => {
    const sizes = { fields: 1, scenarios: 1, tasks, orderedTasks };
    return (model.problems?.(model.options.parse({}), sizes) ?? []).map(({ message }) => message);
  };
  expect(told(2, true)).toEqual([]);
  expect(told(3, true)).toEqual([expect.stringContaining('these data have 3 tasks')]);
  expect(told(1, true)).toEqual([expect.stringContaining('these data have one task')]);
  expect(told(2, false)).toEqual([expect.stringContaining('the second label without the first')]);
});

test.each([
  ['auto', true, 0.6],
  ['auto', false, 0],
  [0.25, false, 0.25],
  [0, true, 0],
] as const)("AITM's calibrator with weight %s, tasks ordered: %s", (calibratorWeight, orderedTasks, weight) => {
  const sizes = { fields: 2, scenarios: 2, tasks: 3, orderedTasks };
  const setup = setupOf(findModel('aitm'), { embeddingDim: 3, bottomDims: [5], calibratorWeight }, sizes, 'train');
  const feeds = scoringFeeds(setup, 8);
  const logits = referenceLogits(setup, feeds).data;
  const { penalties = {} } = buildForward(setup, false).forward;
  const { calibrator } = evaluate(penalties, feeds, 8);
  if (weight === 0) return void expect(penalties).toEqual({});
  const excess = (row: number, task: number): number =>
    Math.max(sigmoid(logits[3 * row + task]) - sigmoid(logits[3 * row + task - 1]), 0);
  const expected = range(8).map((row) => weight * (excess(row, 1) + excess(row, 2)));
  expect(expected.some((value) => value > 0)).toBe(true);
  calibrator.data.forEach((value, row) => {
    expect(value).toBeCloseTo(expected[row], 7);
  });
});
