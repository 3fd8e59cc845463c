/** The executor that every graph runs behind: feeds, checks, layouts and closing; over real sessions of small graphs. */
import { afterEach, expect, test } from 'vitest';
import { add, cast, compile, div, Graph, mul, reshape, sigmoid, slice } from '../../src/graph/index.ts';
import { createExecutor, type Executor } from '../../src/inference/executor.ts';
import { answer, type IdRows, idExecutor } from '../../src/inference/serving/id-rows.ts';
import type { Session, Value } from '../../src/runtime/contract.ts';
import { createSession } from '../../src/runtime/session.ts';

const opened: { release(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.release();
});

const TASKS = ['click', 'buy'];

async function open(outputs: Parameters<typeof compile>[0]): Promise<Session> {
  const session = await createSession(compile(outputs).bytes, { threads: 1, backend: 'node' });
  opened.push(session);
  return session;
}

/** y = scale * x / by, row by row. */
function scaled(): Promise<Session> {
  const graph = new Graph();
  const [x, scale, by] = [graph.input('x', ['B', 2]), graph.input('scale', [2]), graph.input('by', [])];
  return open({ y: div(mul(x, scale), by) });
}

const float32 = (shape: number[], ...data: number[]): Value => ({
  type: 'float32',
  shape,
  data: Float32Array.from(data),
});

interface Rows {
  x: number[];
  by: number;
}

const feeds = {
  x: ({ x }: Rows) => float32([x.length / 2, 2], ...x),
  scale: float32([2], 10, 100),
  by: ({ by }: Rows) => float32([], by),
  unread: float32([1], 0),
};

test('feeds constants and values of the rows, loads the rows first, and needs no input for every feed', async () => {
  const order: string[] = [];
  const executor = createExecutor<Rows>(
    await scaled(),
    {
      ...feeds,
      x: (rows) => {
        order.push('feed');
        return feeds.x(rows);
      },
    },
    {
      async load() {
        await Promise.resolve();
        order.push('load');
      },
    },
  );
  expect((await executor.run({ x: [1, 2, 3, 4], by: 2 })).y).toMatchObject({ shape: [2, 2] });
  expect([...(await executor.run({ x: [1, 2], by: 1 })).y.data]).toEqual([10, 200]);
  expect(order).toEqual(['load', 'feed', 'load', 'feed']);
});

test('an input without a feed is a fault of the program, found before any row', async () => {
  const { by: _, ...rest } = feeds;
  const session = await scaled();
  expect(() => createExecutor<Rows>(session, rest)).toThrow('nothing feeds the input by of the graph');
});

test('checks the outputs that must be finite, and no others', async () => {
  const session = await scaled();
  const zero = { x: [1, 0], by: 0 }; // infinity and NaN
  const checked = createExecutor<Rows>(session, feeds, { finite: ['y'], what: 'a ratio' });
  await expect(checked.run(zero)).rejects.toMatchObject({
    code: 'MODEL_NOT_FINITE',
    message: expect.stringContaining('a ratio is not finite'),
  });
  expect([...(await checked.run({ x: [1, 0], by: 1 })).y.data]).toEqual([10, 0]);
  expect([...(await createExecutor<Rows>(session, feeds).run(zero)).y.data]).toEqual([Number.POSITIVE_INFINITY, NaN]);
});

test('writes outputs into given arrays', async () => {
  const executor = createExecutor<Rows>(await scaled(), feeds);
  const into = float32([1, 2], 0, 0);
  const { y } = await executor.run({ x: [3, 4], by: 1 }, { y: into });
  expect([[...into.data], [...y.data]]).toEqual([
    [30, 400],
    [30, 400],
  ]);
});

test('releases its session, and then does not run', async () => {
  const executor = createExecutor<Rows>(await scaled(), feeds);
  await executor.release();
  await executor.release();
  await expect(executor.run({ x: [1, 2], by: 1 })).rejects.toThrow();
});

/** logits = ids + 10 * scenario + shift, as a serving graph outputs them: logits [B,T] and probabilities [B] of each task. */
async function served(shift: number): Promise<Executor<IdRows>> {
  const graph = new Graph();
  const ids = cast(graph.input('ids', ['B', 2], 'int32'), 'float32');
  const scenario = cast(graph.input('scenario', ['B'], 'int32'), 'float32');
  const logits = add(add(ids, mul(reshape(scenario, ['B', 1]), 10)), shift);
  const own = TASKS.map((task, t) => [`probability_${task}`, reshape(slice(sigmoid(logits), 1, t, t + 1), ['B'])]);
  const session = await open({ logits, ...Object.fromEntries(own) });
  return idExecutor(session, { fields: [{ slots: 1 }, { slots: 1 }] }, TASKS);
}

/** Room for more rows than the three that count. */
const rows: IdRows = {
  size: 3,
  ids: Int32Array.of(1, 2, 3, 4, 5, 6, 99, 99),
  scenario: Int32Array.of(1, 0, 1, 99),
};

const rounded = (values: Iterable<number>): number[] => [...values].map((x) => Math.round(1e4 * x) / 1e4);
const probability = (logit: number): number => 1 / (1 + Math.exp(-logit));

test('answers have logits row by row and probabilities task by task, of the rows alone that count', async () => {
  const { logits, probabilities } = await answer(new Map([[undefined, await served(-5)]]), rows, TASKS);
  expect([...logits]).toEqual([6, 7, -2, -1, 10, 11]);
  expect(probabilities.map(rounded)).toEqual([
    rounded([6, -2, 10].map(probability)),
    rounded([7, -1, 11].map(probability)),
  ]);
});

test("each row is answered by its scenario's graph, and by the joint graph where there is none", async () => {
  const executors = new Map([
    [undefined, await served(0)],
    [1, await served(-20)],
  ]);
  const { logits, probabilities } = await answer(executors, rows, TASKS);
  expect([...logits]).toEqual([-9, -8, 3, 4, -5, -4]);
  expect(rounded(probabilities[1])).toEqual(rounded([-8, 4, -4].map(probability)));
});
