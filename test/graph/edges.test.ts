/** Values and slopes at the places where definitions differ: kinks, ties, saturation, overflow. Numbers by hand. */
import { describe, expect, test } from 'vitest';
import {
  abs,
  add,
  cast,
  div,
  equal,
  exp,
  Graph,
  gather,
  grad,
  greater,
  log,
  maximum,
  minimum,
  mul,
  neg,
  oneHot,
  reduceMax,
  reduceMean,
  reduceSum,
  relu,
  scatterAdd,
  sigmoid,
  softmax,
  softplus,
  sub,
  type Tensor,
  tanh,
  where,
} from '../../src/graph/index.ts';
import { bool, float, int, numbers, run } from './support.ts';

/** The op at each number, and its slope there. */
async function valueAndSlope(op: (x: Tensor) => Tensor, at: number[]): Promise<{ value: number[]; slope: number[] }> {
  const x = new Graph().input('x', ['B']);
  const y = op(x);
  const found = await run({ y, slope: grad(reduceSum(y), [x])[0] }, { x: float(at, at.length) });
  return { value: [...found.y.data], slope: [...found.slope.data] };
}

describe('kinks', () => {
  test('relu has slope 0 at 0', async () => {
    expect(await valueAndSlope(relu, [-1, 0, 2])).toEqual({ value: [0, 0, 2], slope: [0, 0, 1] });
  });

  test('the mask of positive numbers is 0 or 1, from the smallest to the largest', async () => {
    const x = new Graph().input('x', ['B']);
    const at = [-Infinity, -1e-38, -0, 0, 1.2e-38, 1e-20, 3e38, Infinity];
    expect((await numbers(cast(greater(x, 0), 'float32'), { x: float(at, at.length) })).map(Math.abs)).toEqual([
      0, 0, 0, 0, 1, 1, 1, 1,
    ]);
  });

  test('masks that are not of positive numbers', async () => {
    const graph = new Graph();
    const [x, column] = [graph.input('x', ['B', 2]), graph.input('column', ['B', 1])];
    const number = (condition: Tensor): Tensor => cast(condition, 'float32');
    const masks = {
      aboveOne: number(greater(x, 1)),
      mixed: number(greater(x, graph.constant([0, 1], [1, 2]))),
      below: number(greater(0, x)),
      wide: number(greater(column, graph.constant([0, 0], [1, 2]))),
      whole: number(greater(cast(x, 'int32'), 0)),
      asWhole: cast(greater(x, 0), 'int32'),
    };
    const found = await run(masks, { x: float([0.5, 0.5, -1, 2], 2, 2), column: float([3, -3], 2, 1) });
    expect(Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, [...data]]))).toEqual({
      aboveOne: [0, 0, 0, 1],
      mixed: [1, 0, 0, 1],
      below: [0, 0, 1, 0],
      wide: [1, 1, 0, 0],
      whole: [0, 0, 0, 1],
      asWhole: [1, 1, 0, 1],
    });
  });

  test('abs has slope 0 at 0', async () => {
    expect(await valueAndSlope(abs, [-2, 0, 3])).toEqual({ value: [2, 0, 3], slope: [-1, 0, 1] });
  });

  test.each([
    ['maximum', maximum, [1, 0.5, 0]],
    ['minimum', minimum, [0, 0.5, 1]],
  ] as const)('%s gives half of the gradient to each operand of a tie', async (_name, op, forA) => {
    const graph = new Graph();
    const a = graph.input('a', [3]);
    const b = graph.input('b', [3]);
    const [da, db] = grad(reduceSum(op(a, b)), [a, b]);
    const found = await run({ da, db }, { a: float([2, 5, 1], 3), b: float([1, 5, 2], 3) });
    expect([...found.da.data]).toEqual(forA);
    expect([...found.db.data]).toEqual(forA.map((share) => 1 - share));
  });

  test('a maximum along an axis shares its gradient evenly among ties', async () => {
    const x = new Graph().input('x', [2, 3]);
    const [dx] = grad(reduceSum(mul(reduceMax(x, [1]), x.graph.constant([6, 12], [2]))), [x]);
    expect(await numbers(dx, { x: float([7, 7, 1, 4, 4, 4], 2, 3) })).toEqual([3, 3, 0, 4, 4, 4]);
  });

  test('the operand that is not chosen gets no gradient', async () => {
    const graph = new Graph();
    const [c, a, b] = [graph.input('c', [2], 'bool'), graph.input('a', [2]), graph.input('b', [2])];
    const [da, db] = grad(reduceSum(where(c, a, b)), [a, b]);
    const found = await run({ da, db }, { c: bool([1, 0], 2) });
    expect([[...found.da.data], [...found.db.data]]).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });
});

describe('far from zero', () => {
  test('sigmoid and its slope stay finite', async () => {
    const { value, slope } = await valueAndSlope(sigmoid, [-100, -30, 0, 30, 100]);
    expect(value[2]).toBe(0.5);
    expect(slope[2]).toBe(0.25);
    for (const i of [0, 1]) expect(value[i]).toBeCloseTo(0, 7);
    for (const i of [3, 4]) expect(value[i]).toBeCloseTo(1, 7);
    for (const i of [0, 1, 3, 4]) expect(slope[i]).toBeCloseTo(0, 7);
  });

  test('softplus is 0 on the left, the number itself on the right', async () => {
    const { value, slope } = await valueAndSlope(softplus, [-100, -3e38, 0, 100, 3e38]);
    expect(value.slice(0, 2)).toEqual([expect.closeTo(0, 30), 0]);
    expect(value[2]).toBeCloseTo(Math.LN2, 6);
    expect(value[3]).toBe(100);
    expect(value[4]).toBe(Math.fround(3e38));
    expect(slope.map((s) => Math.round(s * 1e6) / 1e6)).toEqual([0, 0, 0.5, 1, 1]);
  });

  test('the logistic loss of a wrong and sure answer is its logit', async () => {
    const { value, slope } = await valueAndSlope((z) => sub(softplus(z), mul(0, z)), [100]);
    expect([value, slope]).toEqual([[100], [1]]);
  });

  test('tanh saturates', async () => {
    expect(await valueAndSlope(tanh, [-100, 100])).toEqual({ value: [-1, 1], slope: [0, 0] });
  });

  test('softmax of large and of equal numbers', async () => {
    const x = new Graph().input('x', ['B', 2]);
    expect(await numbers(softmax(x), { x: float([1000, 0, 3e38, 3e38, -1e4, -1e4], 3, 2) })).toEqual([
      1, 0, 0.5, 0.5, 0.5, 0.5,
    ]);
  });

  test('a mask of minus infinity leaves a softmax finite', async () => {
    const graph = new Graph();
    const [x, keep] = [graph.input('x', ['B', 3]), graph.input('keep', ['B', 3], 'bool')];
    const p = softmax(where(keep, x, -Infinity));
    const [dx] = grad(reduceSum(mul(p, graph.constant([1, 2, 3], [1, 3]))), [x]);
    const found = await run({ p, dx }, { x: float([1, 9, 1], 1, 3), keep: bool([1, 0, 1], 1, 3) });
    expect([...found.p.data]).toEqual([0.5, 0, 0.5]);
    expect([...found.dx.data]).toEqual([-0.5, 0, 0.5]);
  });
});

describe('constants', () => {
  test('numbers that JSON cannot tell apart are different constants', async () => {
    const graph = new Graph();
    const values = [Infinity, -Infinity, Number.NaN, 0, -0].map((value) => graph.constant(value));
    expect(new Set(values).size).toBe(5);
    const found = await run({ plus: exp(values[0]), minus: exp(values[1]), least: div(1, values[4]) }, {});
    expect([found.plus.data[0], found.minus.data[0], found.least.data[0]]).toEqual([Infinity, 0, -Infinity]);
  });
});

describe('whole numbers', () => {
  const x = int([7, -7, 4], 3);

  test('are divided to whole numbers, towards zero', async () => {
    expect(await numbers(div(new Graph().input('x', [3], 'int32'), 2), { x })).toEqual([3, -3, 2]);
  });

  test('are compared exactly', async () => {
    const large = int([2 ** 24, 2 ** 24 + 1, 5], 3);
    const input = new Graph().input('x', [3], 'int32');
    expect(await numbers(cast(equal(input, 2 ** 24 + 1), 'int32'), { x: large })).toEqual([0, 1, 0]);
  });

  test('are added, summed and chosen', async () => {
    const input = new Graph().input('x', [3], 'int32');
    const chosen = where(greater(input, 0), input, cast(input.graph.constant([0, 1, 2], [3]), 'int32'));
    expect(await numbers(add(reduceSum(input), chosen), { x })).toEqual([11, 5, 8]);
  });
});

describe('functions made of several ops', () => {
  test('one-hot rows; an index outside gives zeros', async () => {
    const index = new Graph().input('i', ['B'], 'int32');
    expect(await numbers(oneHot(index, 3), { i: int([2, 0, 3], 3) })).toEqual([0, 0, 1, 1, 0, 0, 0, 0, 0]);
  });

  test('a mean over fixed axes', async () => {
    const x = new Graph().input('x', ['B', 2, 2]);
    expect(await numbers(reduceMean(x, [1, 2]), { x: float([1, 2, 3, 6], 1, 2, 2) })).toEqual([3]);
    expect(() => reduceMean(x, [0])).toThrow('reduceMean: shapes [B,2,2] do not fit: expected fixed axes');
  });

  test('a reduction over no axes is the value itself', async () => {
    const x = new Graph().input('x', [3]);
    expect(reduceSum(x, [])).toBe(x);
    expect(reduceMax(x, [])).toBe(x);
  });
});

describe('sums into rows', () => {
  test('no addition is lost when many rows meet on several threads', async () => {
    const graph = new Graph();
    const [values, indices] = [graph.input('v', ['B', 4]), graph.input('i', ['B'], 'int32')];
    const rows = 150_000;
    const feeds = {
      v: float(new Float32Array(rows * 4).fill(1), rows, 4),
      i: int(
        range(rows, (i) => i % 3),
        rows,
      ),
    };
    const [dData] = grad(reduceSum(mul(gather(graph.input('d', [3, 4]), indices), values)), [graph.input('d', [3, 4])]);
    const found = await run({ sum: scatterAdd(values, indices, 3), dData }, feeds, { threads: 2 });
    for (const { data } of Object.values(found)) expect([...data]).toEqual(new Array(12).fill(rows / 3));
  });

  test('rows that no index names stay zero', async () => {
    const graph = new Graph();
    const sum = scatterAdd(graph.input('v', ['B']), graph.input('i', ['B'], 'int32'), 4);
    expect(await numbers(sum, { v: float([1, 2, 4], 3), i: int([3, 1, 3], 3) })).toEqual([0, 2, 0, 5]);
  });
});

describe('gradients', () => {
  test('are zeros where nothing depends, in any shape', async () => {
    const graph = new Graph();
    const [x, w, unused] = [graph.input('x', ['B', 2]), graph.input('w', [2]), graph.input('unused', ['2B', 3])];
    const [dw, dUnused] = grad(reduceSum(mul(x, w)), [w, unused]);
    const found = await run({ dw, dUnused }, { x: float([1, 2, 3, 4], 2, 2) });
    expect([...found.dw.data]).toEqual([4, 6]);
    expect(found.dUnused).toEqual(float(new Float32Array(12), 4, 3));
  });

  test('of an inner value and of the scalar itself', async () => {
    const x = new Graph().input('x', [2]);
    const inner = mul(x, 3);
    const loss = reduceSum(mul(inner, inner));
    const [byInner, byX, byLoss] = grad(loss, [inner, x, loss]);
    const found = await run({ byInner, byX, byLoss }, { x: float([1, -2], 2) });
    expect([...found.byInner.data]).toEqual([6, -12]);
    expect([...found.byX.data]).toEqual([18, -36]);
    expect([...found.byLoss.data]).toEqual([1]);
  });

  test('add up over every use of a value', async () => {
    const x = new Graph().input('x', [1]);
    const loss = reduceSum(add(mul(x, x), add(neg(x), log(x)))); // 2x - 1 + 1/x
    expect(await numbers(grad(loss, [x])[0], { x: float([4], 1) })).toEqual([7.25]);
  });

  test('third order: x^4 has 24 x', async () => {
    const x = new Graph().input('x', [1]);
    const square = mul(x, x);
    let derivative = reduceSum(mul(square, square));
    for (let order = 0; order < 3; order++) derivative = reduceSum(grad(derivative, [x])[0]);
    expect(await numbers(derivative, { x: float([1.5], 1) })).toEqual([36]);
  });
});

const range = (n: number, f: (i: number) => number): Int32Array => Int32Array.from({ length: n }, (_, i) => f(i));
