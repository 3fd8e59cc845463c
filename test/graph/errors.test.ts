/** What invalid graphs are refused with. */
import { describe, expect, test } from 'vitest';
import { TributaryError } from '../../src/base/errors/index.ts';
import {
  abs,
  add,
  cast,
  check,
  compile,
  concat,
  exp,
  expand,
  Graph,
  gather,
  grad,
  less,
  matmul,
  mul,
  pad,
  reduceMax,
  reduceSum,
  relu,
  reshape,
  scatterAdd,
  slice,
  softmax,
  type Tensor,
  transpose,
  where,
} from '../../src/graph/index.ts';

describe('check', () => {
  const graph = new Graph();
  const x = graph.input('x', ['B', 3]);
  const y = relu(x);
  const invalid = (nodes: Tensor[]): string => {
    const caught = attempt(() => check(nodes));
    expect(caught.code).toBe('GRAPH_INVALID');
    return caught.message;
  };

  test('passes a sound graph', () => {
    expect(() => check([x, y])).not.toThrow();
  });

  test('finds a wrong recorded shape or type', () => {
    expect(invalid([x, { ...y, shape: ['B', 4] }])).toBe(
      'graph check failed at %1 relu: is float32[B,3] by its rule, but recorded as float32[B,4]',
    );
    expect(invalid([x, { ...y, type: 'int32' }])).toContain('recorded as int32[B,3]');
  });

  test('finds inputs that do not fit their op', () => {
    const wrong: Tensor = { ...matmul(x, graph.input('w', [3, 2])), inputs: [x, x] };
    expect(attempt(() => check([x, wrong])).message).toContain('matmul: shapes [B,3] and [B,3] do not fit');
  });

  test('finds two inputs of one name', () => {
    expect(invalid([x, { ...x, id: 7 }])).toContain('%7 input: two inputs are named x');
  });

  test('finds an input that comes after its user', () => {
    expect(invalid([y, x])).toContain('%1 relu: an input comes after its user');
  });

  test('finds tensors of another graph', () => {
    const foreign = new Graph().input('x', ['B', 3]);
    expect(invalid([x, { ...y, inputs: [foreign] }])).toContain('%1 relu: an input belongs to another graph');
  });
});

describe('errors', () => {
  const graph = new Graph();
  const [x, y] = [graph.input('x', ['B', 3]), graph.input('y', [4, 2])];
  const [i, c] = [graph.input('i', ['B'], 'int32'), graph.input('c', ['B', 3], 'bool')];
  const foreign = new Graph().input('z', ['B', 3]);

  test.each<[string, () => unknown, string]>([
    ['operands', () => add(x, y), 'add: shapes [B,3] and [4,2] do not fit: expected equal sizes, or 1, in each place'],
    ['a batch and a fixed size', () => mul(x, graph.input('f', [7, 3])), 'mul: shapes [B,3] and [7,3]'],
    ['types', () => add(cast(c, 'int32'), x), 'Add: shapes int32[B,3] and float32[B,3]'],
    [
      'types of a comparison',
      () => less(x, cast(c, 'int32')),
      'Less: shapes float32[B,3] and int32[B,3] do not fit: expected one type',
    ],
    ['a condition', () => where(x, x, x), 'where: shapes float32[B,3] do not fit: expected bool'],
    ['a choice', () => where(c, x, cast(c, 'int32')), 'where: shapes float32[B,3] and int32[B,3]'],
    ['whole numbers', () => exp(i), 'Exp: shapes int32[B] do not fit: expected float32'],
    ['a softmax of conditions', () => softmax(c), 'softmax: shapes bool[B,3] do not fit: expected float32'],
    ['inner sizes', () => matmul(x, y), 'matmul: shapes [B,3] and [4,2] do not fit: expected equal inner sizes'],
    ['a transposed product', () => matmul(x, y, { transposeB: true }), 'matmul: shapes [B,3] and [4,2] transposed'],
    ['a product with a list', () => matmul(x, i), 'matmul: shapes [B] do not fit: expected at least two dimensions'],
    [
      'a reshape',
      () => reshape(x, ['B', 4]),
      'reshape: shapes [B,3] to [B,4] do not fit: expected the same number of elements',
    ],
    ['a reshape that drops the batch', () => reshape(x, [3]), 'reshape: shapes [B,3] to [3]'],
    ['two batch dimensions', () => reshape(matmul(x, x, { transposeB: true }), ['B']), 'elements: shapes [B,B]'],
    ['a transpose', () => transpose(x, [0, 0]), 'transpose to 0,0: shapes [B,3] do not fit: expected each axis once'],
    ['an expand', () => graph.node('expand', [x], { shape: ['B', 1] }), 'expand: shapes [B,3] to [B,1]'],
    ['parts', () => concat([x, y], 1), 'concat: shapes [B,3] [4,2] do not fit: expected equal sizes on all axes but 1'],
    ['a batch beside fixed rows', () => concat([x, graph.input('f', [7, 3])], 0), 'concat: shapes [B,3] [7,3]'],
    ['parts of two types', () => concat([x, c], 1), 'concat: shapes float32[B,3] and bool[B,3]'],
    [
      'an empty slice',
      () => slice(x, 1, 2, 2),
      'slice: shapes [B,3] do not fit: expected 0 <= 2 < 2 <= size of axis 1',
    ],
    [
      'a slice of the batch',
      () => slice(x, 0, 0, 1),
      'slice: shapes [B,3] do not fit: expected a fixed size on axis 0',
    ],
    ['a pad of the batch', () => pad(x, 0, 1, 0), 'pad: shapes [B,3] do not fit: expected a fixed size on axis 0'],
    ['an axis', () => reduceMax(x, [2]), 'axes 2: shapes [B,3] do not fit: expected axes below 2'],
    ['float indices', () => gather(y, x), 'gather: shapes float32[B,3] do not fit: expected int32'],
    ['values beside indices', () => scatterAdd(y, i, 3), 'scatterAdd: shapes values [4,2] and indices [B]'],
    [
      'a constant',
      () => graph.constant([1, 2, 3], [2]),
      'constant: shapes [2] of [1,2,3] do not fit: expected 2 numbers',
    ],
    ['a whole constant', () => add(i, 0.5), 'constant: shapes [] of [0.5] do not fit: expected 1 whole numbers'],
    [
      'the derivative of concatenated batches',
      () => grad(reduceSum(concat([x, x], 0)), [x]),
      'derivative of concat: shapes [B,3] do not fit: expected a fixed size on axis 0',
    ],
    ['a gradient of no scalar', () => grad(abs(x), [x]), 'grad: shapes [B,3] do not fit: expected a scalar'],
  ])('%s', (_name, build, text) => {
    const caught = attempt(build);
    expect(caught.code).toBe('GRAPH_SHAPE');
    expect(caught.message).toContain(text);
  });

  test.each<[string, () => unknown, string]>([
    ['an input declared twice', () => graph.input('x', ['B', 4]), 'input x: declared as [B,3] and as [B,4]'],
    ['operands of two graphs', () => add(x, foreign), 'add: input %0 belongs to another graph'],
    [
      'a gradient by a tensor of another graph',
      () => grad(reduceSum(x), [foreign]),
      'grad: %0 input belongs to another graph',
    ],
    [
      'outputs of two graphs',
      () => compile({ x: exp(x), z: exp(foreign) }),
      'outputs: %1 exp belongs to another graph',
    ],
    ['an output named as an input', () => compile({ x: exp(x) }), 'output x: an input has the same name'],
    [
      'a batch from nowhere',
      () => compile({ y: expand(graph.constant(1), ['B', 2]) }),
      'expand: it needs the batch size',
    ],
  ])('%s', (_name, build, text) => {
    const caught = attempt(build);
    expect(caught.code).toBe('GRAPH_INVALID');
    expect(caught.message).toContain(text);
  });
});

function attempt(action: () => unknown): TributaryError {
  try {
    action();
  } catch (caught) {
    if (caught instanceof TributaryError) return caught;
    throw caught;
  }
  throw new Error('expected an error');
}
