/** Our derivative rules, run by ONNX Runtime, against another automatic differentiation on another backend. */
import { describe, expect, test } from 'vitest';
import {
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
import { CASES, type OpCase } from '../graph/cases.ts';
import { expectClose, normals, run, spread } from '../graph/support.ts';
import { differentiate, value } from './jax.ts';

const BATCH = 3;
const sizeOf = (shape: Shape): number[] => resolve(shape, BATCH);

const ops = (Object.keys(OPS) as OpName[]).filter((op) => OPS[op].derivative !== null || op === 'stopGradient');

/** At most six cases of an op, spread over its list. */
const someOf = (list: readonly OpCase[]): OpCase[] => list.filter((_, i) => i % Math.ceil(list.length / 6) === 0);

describe.each(ops)('%s', (op) => {
  test.each(someOf(CASES[op]).map((one): [string, OpCase] => [one.title, one]))(
    '%s',
    async (title, { inputs, build }) => {
      const graph = new Graph();
      const fed = Object.entries(inputs).map(([name, { shape, type }]) => ({
        name,
        tensor: graph.input(name, shape, type),
      }));
      const y = build(Object.fromEntries(fed.map(({ name, tensor }) => [name, tensor])), graph);
      const loss = reduceSum(mul(graph.input('w', y.shape), mul(y, mul(y, y))));
      const feeds = { ...spread(inputs, sizeOf, 'oracle', op, title), w: normals(sizeOf(y.shape), 1, 'w', op, title) };
      const by = fed.filter(({ tensor }) => tensor.type === 'float32');
      const { gradients: expected } = await differentiate(
        loss,
        by.map(({ name }) => name),
        feeds,
        BATCH,
      );

      const gradients = grad(
        loss,
        by.map(({ tensor }) => tensor),
      );
      const outputs: Record<string, Tensor> = { y };
      by.forEach(({ name }, i) => {
        outputs[`d ${name}`] = gradients[i];
      });
      const found = await run(outputs, feeds);
      expectClose(found.y, await value(y, feeds, BATCH), 2e-5, 'y');
      expect(Object.keys(expected)).toEqual(by.map(({ name }) => name));
      for (const { name } of by) expectClose(found[`d ${name}`], expected[name], 1e-4, `gradient by ${name}`);
    },
  );
});
