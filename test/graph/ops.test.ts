/** Every op of the table: values, derivatives of first and second order, shapes, any batch with the same bytes. */
import { describe, expect, test } from 'vitest';
import {
  compile,
  Graph,
  grad,
  mul,
  OPS,
  type OpName,
  reduceSum,
  resolve,
  type Shape,
  type Tensor,
} from '../../src/graph/index.ts';
import type { Value } from '../../src/runtime/contract.ts';
import { createSession } from '../../src/runtime/session.ts';
import { CASES, type OpCase } from './cases.ts';
import { evaluate, type Numbers } from './evaluate.ts';
import { expectClose, normals, spread } from './support.ts';

/** The case's graph with a loss whose gradient and second derivative both depend on the inputs: sum of w y^3. */
function differentiated({ inputs, build }: OpCase) {
  const graph = new Graph();
  const fed = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, type }]) => [name, graph.input(name, shape, type)]),
  );
  const y = build(fed, graph);
  const loss = reduceSum(mul(graph.input('w', y.shape), mul(y, mul(y, y))));
  const floats = Object.values(fed).filter(({ type }) => type === 'float32');
  const first = grad(loss, floats);
  const norm = first.map((g) => reduceSum(mul(g, g))).reduce<Tensor | undefined>(sum, undefined);
  const second = norm === undefined ? [] : grad(norm, floats);
  const named = (prefix: string, tensors: Tensor[]): Record<string, Tensor> =>
    Object.fromEntries(tensors.map((tensor, i) => [`${prefix} by ${nameOf(floats[i])}`, tensor]));
  return { y, loss, norm, floats, first: named('gradient', first), second: named('second gradient', second) };
}

const sum = (a: Tensor | undefined, b: Tensor): Tensor => (a === undefined ? b : a.graph.node('add', [a, b], {}));
const nameOf = (tensor: Tensor): string => (tensor as Tensor<'input'>).attributes.name;

/** Central differences of a scalar in float64: its gradient by each float input. */
function differences(scalar: Tensor, of: Tensor[], feeds: Record<string, Value>, batch: number): Numbers[] {
  const step = 1e-5;
  return of.map((input) => {
    const { shape, data } = feeds[nameOf(input)];
    const at = (i: number, h: number): number => {
      const moved = Float64Array.from(data);
      moved[i] += h;
      return evaluate({ scalar }, { ...feeds, [nameOf(input)]: { shape, data: moved } }, batch).scalar.data[0];
    };
    return { shape, data: Float64Array.from(data, (_, i) => (at(i, step) - at(i, -step)) / (2 * step)) };
  });
}

const cases = (Object.keys(OPS) as OpName[]).map((op) => ({ op, list: CASES[op] }));

describe.each(cases)('$op', ({ op, list }) => {
  test('has cases that use it', () => {
    expect(list?.length).toBeGreaterThan(0);
    for (const one of list) expect(differentiated(one).y.graph.nodes.map((node) => node.op)).toContain(op);
  });

  test.each(list.map((one) => ({ title: one.title, one })))('$title', async ({ one, title }) => {
    const { y, loss, norm, floats, first, second } = differentiated(one);
    const outputs = { y, ...first, ...second };
    const session = await createSession(compile(outputs).bytes, { threads: 1 });
    const feedsOf = (batch: number): Record<string, Value> => {
      const sizeOf = (shape: Shape): number[] => resolve(shape, batch);
      return {
        ...spread(one.inputs, sizeOf, op, title, batch),
        w: normals(resolve(y.shape, batch), 1, 'w', op, title),
      };
    };

    for (const batch of [1, 7, 1000]) {
      const found = await session.run(feedsOf(batch));
      const wanted = batch > 100 ? { y } : outputs;
      for (const [name, expected] of Object.entries(evaluate(wanted, feedsOf(batch), batch)))
        expectClose(found[name], expected, batch > 100 ? 1e-4 : 2e-5, `${name} at B = ${batch}`);
    }

    const feeds = feedsOf(3);
    const found = await session.run(feeds);
    await session.release();
    if (one.blocksGradient) {
      for (const name of Object.keys(first)) expect(found[name].data.every((value) => value === 0)).toBe(true);
      return;
    }
    differences(loss, floats, feeds, 3).forEach((expected, i) => {
      expectClose(found[Object.keys(first)[i]], expected, 1e-4, `gradient by ${nameOf(floats[i])}`);
    });
    if (norm === undefined) return;
    differences(norm, floats, feeds, 3).forEach((expected, i) => {
      expectClose(found[Object.keys(second)[i]], expected, 1e-4, `second gradient by ${nameOf(floats[i])}`);
    });
  });
});
