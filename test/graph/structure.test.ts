/** What finished graphs are made of: shared nodes, fused products, no needless transposes. */
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import {
  add,
  cast,
  compile,
  concat,
  div,
  exp,
  expand,
  Graph,
  graphText,
  matmul,
  mul,
  neg,
  pad,
  reduceSum,
  relu,
  reshape,
  type Shape,
  slice,
  sub,
  type Tensor,
  tanh,
  transpose,
} from '../../src/graph/index.ts';
import { ModelProtoSchema } from '../../src/graph/onnx/generated/onnx_pb.ts';
import { mlpTraining } from './networks.ts';
import { float, onnxNodes, opCounts, run } from './support.ts';

const LONG = { batchHint: 4096 };

describe('common subexpressions', () => {
  test('equal op, inputs and attributes are one node', () => {
    const graph = new Graph();
    const x = graph.input('x', ['B', 4]);
    expect(add(x, 1)).toBe(add(x, 1));
    expect(slice(x, 1, 0, 2)).toBe(slice(x, -1, 0, 2));
    expect(slice(x, 1, 0, 2)).not.toBe(slice(x, 1, 0, 3));
    expect(sub(x, 1)).not.toBe(sub(1, x));
    expect(graph.input('x', ['B', 4])).toBe(x);
    expect(graph.constant(2)).not.toBe(graph.constant(2, [], 'int32'));
  });

  test('are computed once', () => {
    const x = new Graph().input('x', ['B', 4]);
    expect(opCounts(compile({ y: mul(tanh(x), tanh(x)), z: exp(tanh(x)) }).bytes)).toEqual({ Tanh: 1, Mul: 1, Exp: 1 });
  });

  test('the simplest node of equal value', () => {
    const x = new Graph().input('x', ['B', 4]);
    for (const same of [
      add(x, 0),
      sub(x, 0),
      mul(1, x),
      div(x, 1),
      neg(neg(x)),
      cast(x, 'float32'),
      reshape(reshape(x, ['4B']), ['B', 4]),
      transpose(x, [0, 1]),
      expand(x, ['B', 4]),
      concat([x], 1),
      slice(x, 1, 0, 4),
      pad(x, 1, 0, 0),
    ])
      expect(same).toBe(x);
  });

  test('a slice of a concatenation reads the part that has it', () => {
    const graph = new Graph();
    const [a, b] = [graph.input('a', ['B', 4]), graph.input('b', ['B', 2])];
    const both = concat([a, b], 1);
    expect(slice(both, 1, 0, 4)).toBe(a);
    expect(slice(both, -1, 4, 6)).toBe(b);
    expect(slice(both, 1, 1, 3)).toBe(slice(a, 1, 1, 3));
    expect(slice(both, 1, 3, 5).inputs).toEqual([both]);
  });

  test('unused nodes and inputs are left out', () => {
    const graph = new Graph();
    const [x, unused] = [graph.input('x', ['B', 4]), graph.input('unused', [4])];
    exp(unused);
    const { bytes, inputs, outputs } = compile({ y: relu(x) });
    expect(inputs).toEqual([{ name: 'x', shape: ['B', 4], type: 'float32' }]);
    expect(outputs).toEqual([{ name: 'y', shape: ['B', 4], type: 'float32' }]);
    expect(opCounts(bytes)).toEqual({ Relu: 1 });
  });
});

describe('products', () => {
  const graph = new Graph();
  const [x, w] = [graph.input('x', ['B', 64]), graph.input('w', [64, 64])];
  const [row, vector] = [graph.input('row', [1, 64]), graph.input('vector', [64])];

  test.each([
    ['a vector', vector, {}],
    ['a row', row, {}],
    ['a vector, transposed storage', vector, LONG],
    ['a row, transposed storage', row, LONG],
  ] as const)('Gemm carries the bias: %s', (_name, bias, options) => {
    for (const sum of [add(matmul(x, w), bias), add(bias, matmul(x, w))]) {
      const { Gemm, Add } = opCounts(compile({ y: relu(sum) }, options).bytes);
      expect([Gemm, Add]).toEqual([1, undefined]);
    }
  });

  test('a product that is read elsewhere too keeps its own result', () => {
    const product = matmul(x, w);
    const readTwice: Record<string, Tensor>[] = [
      { y: add(product, row), z: tanh(product) },
      { y: add(product, row), product },
      { y: add(product, product) },
    ];
    for (const outputs of readTwice) expect(opCounts(compile(outputs).bytes)).toMatchObject({ Gemm: 1, Add: 1 });
  });

  test('what is wider than the product is no bias', async () => {
    const narrow = matmul(x, graph.input('v', [64, 1])); // [B,1]
    const { y } = await run(
      { y: add(narrow, vector) },
      {
        x: float(new Float32Array(128).fill(1), 2, 64),
        v: float(new Float32Array(64).fill(0.5), 64, 1),
        vector: float(
          Array.from({ length: 64 }, (_, i) => i),
          64,
        ),
      },
    );
    expect([y.shape, y.data[0], y.data[127]]).toEqual([[2, 64], 32, 95]);
  });

  test('a column is no bias', () => {
    expect(opCounts(compile({ y: add(matmul(x, w), graph.input('column', ['B', 1])) }).bytes)).toMatchObject({
      Add: 1,
    });
  });
});

describe('what ONNX Runtime is slow at', () => {
  const graph = new Graph();

  test('a sum over first axes is a product with ones', () => {
    const x = graph.input('stack', [3, 'B', 2]);
    expect(opCounts(compile({ y: reduceSum(x, [0]) }).bytes)).toMatchObject({ MatMul: 1 });
    expect(opCounts(compile({ y: reduceSum(x, [1]) }).bytes)).toMatchObject({ ReduceSum: 1 });
    expect(opCounts(compile({ y: reduceSum(x, [0, 2]) }).bytes)).toMatchObject({ ReduceSum: 1 });
  });

  test('a number has all axes of the tensor beside it where the last one has size 1', () => {
    const ranks = (shape: Shape): number[] => {
      const beside = graph.input(`beside ${shape.join()}`, shape);
      return [mul(beside, 0.5), sub(1, beside)].map(
        ({ inputs }) => inputs.find(({ op }) => op === 'constant')?.shape.length ?? -1,
      );
    };
    expect([ranks(['B', 3, 1]), ranks(['B', 1]), ranks(['B', 3]), ranks(['B'])]).toEqual([
      [3, 3],
      [2, 2],
      [0, 0],
      [0, 0],
    ]);
  });
});

describe('the training graph of an MLP', () => {
  const { outputs } = mlpTraining(128, [96, 64, 3]);

  test.each([1, 4096])('has one Gemm a product and no Transpose for weight gradients (batch hint %i)', (batchHint) => {
    const { bytes } = compile(outputs, { batchHint });
    const [counts, nodes] = [opCounts(bytes), onnxNodes(bytes)];
    // Forward 3, gradients of weights 3, of hidden values 2 and of the features 1.
    expect(counts.Gemm).toBe(9);
    expect(counts.MatMul).toBeUndefined();
    const made = new Map(nodes.map((node) => [node.output[0], node.opType]));
    const turned = nodes.filter((node) => node.opType === 'Transpose').map((node) => made.get(node.input[0]));
    expect(turned).not.toContain('Gemm');
    if (batchHint === 1) expect(turned).toEqual([]);
    expect(counts.Where).toBeUndefined();
  });

  test('takes the mask of a relu from its output, so that the product, bias and relu can be one kernel', () => {
    const nodes = onnxNodes(compile(outputs, LONG).bytes);
    const relus = nodes.filter((node) => node.opType === 'Relu');
    expect(relus).toHaveLength(2);
    expect(nodes.some((node) => node.opType === 'Greater')).toBe(false);
    for (const { input, output } of relus) {
      expect(nodes.filter((node) => node.input.includes(input[0])).map((node) => node.opType)).toEqual(['Relu']);
      const masks = nodes.filter((node) => node.opType === 'HardSigmoid' && node.input[0] === output[0]);
      expect(masks, 'one pass over memory').toHaveLength(1);
    }
  });

  test('as text', async () => {
    await expect(graphText(mlpTraining(4, [3, 1]).outputs)).toMatchFileSnapshot('golden/mlp-training.txt');
  });
});

describe('the ONNX model', () => {
  test('names its batch and keeps inputs and outputs in order', () => {
    const graph = new Graph();
    const [b, a] = [graph.input('b', ['2B', 3]), graph.input('a', [2, 'B'], 'int32')];
    const model = fromBinary(ModelProtoSchema, compile({ z: exp(b), y: cast(a, 'bool') }).bytes);
    const ports = [...(model.graph?.input ?? []), ...(model.graph?.output ?? [])].map(({ name, type }) => {
      if (type?.value.case !== 'tensorType') throw new Error(`${name} is no tensor`);
      return [name, type.value.value.shape?.dim.map((dim) => dim.value.value)];
    });
    expect(ports).toEqual([
      ['b', ['batch*2', 3n]],
      ['a', [2n, 'batch']],
      ['z', ['batch*2', 3n]],
      ['y', [2n, 'batch']],
    ]);
    expect(model.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([['', 17n]]);
  });

  test('takes any names of inputs and outputs', async () => {
    const graph = new Graph();
    const names = ['0', 'v0', 'c1', 'i64_1', 'a b', 'shared.0.kernel', 'toString'];
    const inputs = names.map((name) => graph.input(name, [1]));
    const y = reshape(reduceSum(mul(concat(inputs, 0), 2), [0]), [1]);
    const feeds = Object.fromEntries(names.map((name) => [name, float([1], 1)]));
    expect((await run({ output: y, '1': exp(y) }, feeds)).output).toEqual(float([14], 1));
  });

  test('an output may be an input, a constant, or another output', async () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const outputs = { same: x, constant: graph.constant([3], [1]), one: exp(x), two: exp(x) };
    const found = await run(outputs, { x: float([0, 0], 2) });
    expect(Object.values(found).map(({ data }) => [...data])).toEqual([[0, 0], [3], [1, 1], [1, 1]]);
  });

  test('may be very deep', async () => {
    let x = new Graph().input('x', []);
    for (let i = 0; i < 5000; i++) x = neg(add(x, 1));
    expect((await run({ x5000: x }, { x: float([0.5]) })).x5000.data[0]).toBe(0.5);
  });
});
