/** Lowered graphs: ops become ONNX nodes, patterns of several ops become one, and emission writes each node once. */
import { describe, expect, test } from 'vitest';
import {
  add,
  cast,
  compile,
  Graph,
  greater,
  lower,
  loweredText,
  matmul,
  reduceSum,
  type StoredValue,
  type Tensor,
  tanh,
  toInt8,
} from '../../src/graph/index.ts';
import { mlpTraining } from './networks.ts';
import { onnxNodes } from './support.ts';

const LONG = { batchHint: 4096 };

describe('the lowered training graph of an MLP', () => {
  test('as text', async () => {
    const text = loweredText(lower(mlpTraining(4, [3, 1]).outputs));
    await expect(text).toMatchFileSnapshot('golden/mlp-training.lowered.txt');
  });

  test('as text, for long batches', async () => {
    const text = loweredText(lower(mlpTraining(96, [96, 3]).outputs, LONG));
    await expect(text).toMatchFileSnapshot('golden/mlp-training.lowered-long.txt');
  });

  test.each([{}, LONG])('is emitted node by node (%o)', (options) => {
    const { outputs } = mlpTraining(96, [96, 3]);
    const emitted = onnxNodes(compile(outputs, options).bytes).map(({ opType, input, output }) => ({
      op: opType,
      inputs: input,
      output: output[0],
    }));
    const lowered = lower(outputs, options).nodes.map(({ op, inputs, output }) => ({ op, inputs, output }));
    expect(emitted).toEqual(lowered);
  });
});

describe('fusions', () => {
  const graph = new Graph();
  const [x, w] = [graph.input('x', ['B', 64]), graph.input('w', [64, 64])];
  const [thin, v] = [graph.input('thin', ['B', 8]), graph.input('v', [8, 64])];
  const wide = graph.input('wide', [64, 256]);
  const bias = graph.input('bias', [64]);
  const product = matmul(x, w);

  /** What the nodes were lowered from. */
  const from = (y: Tensor, options: Parameters<typeof lower>[1] = {}): string[] => [
    ...new Set(
      lower({ y }, options)
        .nodes.map((node) => node.from)
        .filter((name) => name !== 'output'),
    ),
  ];

  test.each<[string, Tensor, Parameters<typeof lower>[1], string[]]>([
    ['a product and its bias', add(product, bias), {}, ['product and bias']],
    ['a bias and its product', add(bias, product), {}, ['product and bias']],
    [
      'narrow rows become wide ones',
      add(matmul(x, wide), graph.input('row', [1, 256])),
      LONG,
      ['product and bias, the bias as a weight'],
    ],
    ['wide rows', add(product, bias), LONG, ['product and bias']],
    ['two products', add(product, matmul(tanh(x), w)), {}, ['tanh', 'matmul', 'add']],
    ['a mask', cast(greater(x, 0), 'float32'), {}, ['positive mask']],
    ['another bound', cast(greater(x, 1), 'float32'), {}, ['greater', 'cast']],
    ['a sum over parts', reduceSum(graph.input('stack', [3, 'B', 2]), [0]), {}, ['reduceSum']],
  ])('%s', (_name, y, options, expected) => {
    expect(from(y, options)).toEqual(expected);
  });

  test('sums of products that are stored transposed', () => {
    const [left, right] = [matmul(tanh(product), w), matmul(thin, v)];
    const narrow = graph.input('narrow', [64, 56]);
    expect(from(tanh(add(left, right)), LONG)).not.toContain('sum of products'); // 72 columns for a sum of 64
    const fits = add(matmul(matmul(tanh(product), narrow), graph.input('u', [56, 64])), right);
    expect(from(tanh(fits), LONG)).toContain('sum of products');
  });

  test('weights in eight bits take in no bias', () => {
    const stored = new Map<string, StoredValue>([['w', toInt8(new Float32Array(64 * 64).fill(1), 64)]]);
    expect(from(add(product, bias), { stored })).toEqual(['product in eight bits', 'add']);
  });
});
