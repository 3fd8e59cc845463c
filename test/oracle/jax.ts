/**
 * Graphs interpreted by jax-js: its own operations, its own derivatives, its own backend. Only nodes of a forward pass are
 * interpreted; the gradients come from `valueAndGrad`. Where jax-js' functions have known faults (nn.relu has slope 1 at 0,
 * nn.sigmoid and nn.softplus give NaN far from 0), their plain definitions stand here.
 *
 * Arrays of jax-js are consumed by use: every use below takes `.ref`, and all arrays are given up at the end.
 */
import { defaultDevice, init, lax, nn, numpy as np, valueAndGrad } from '@jax-js/jax';
import { type Attributes, type OpName, resolve, type Shape, type Tensor } from '../../src/graph/index.ts';
import type { Value } from '../../src/runtime/contract.ts';
import type { Numbers } from '../graph/evaluate.ts';

await init('wasm');
defaultDevice('wasm');

type Arrays = Record<string, np.Array>;

/** The value of a scalar tensor and its gradients by float inputs, by name. */
export async function differentiate(
  scalar: Tensor,
  by: readonly string[],
  feeds: Record<string, Value>,
  batch: number,
): Promise<{ value: Numbers; gradients: Record<string, Numbers> }> {
  const loss = (moving: Arrays): np.Array => {
    const still = Object.entries(feeds).filter(([name]) => !by.includes(name));
    return interpret(scalar, { ...arrays(Object.fromEntries(still)), ...moving }, batch);
  };
  const moving = arrays(Object.fromEntries(by.map((name) => [name, feeds[name]])));
  const [value, gradients] = valueAndGrad(loss)(moving) as [np.Array, Arrays];
  const read = await Promise.all(
    Object.entries(gradients).map(async ([name, array]) => [name, await numbersOf(array)]),
  );
  return { value: await numbersOf(value), gradients: Object.fromEntries(read) };
}

/** The numbers of a tensor. */
export const value = (tensor: Tensor, feeds: Record<string, Value>, batch: number): Promise<Numbers> =>
  numbersOf(interpret(tensor, arrays(feeds), batch));

async function numbersOf(array: np.Array): Promise<Numbers> {
  const { shape } = array;
  return { shape, data: Float64Array.from(await array.data()) };
}

const DTYPES = { float32: np.float32, int32: np.int32, bool: np.bool };

const arrays = (feeds: Record<string, Value>): Arrays =>
  Object.fromEntries(Object.entries(feeds).map(([name, fed]) => [name, arrayOf(fed)]));

function arrayOf({ type, shape, data }: Value): np.Array {
  const numbers = type === 'bool' ? Int32Array.from(data) : (data.slice() as Float32Array | Int32Array);
  const array = np.array(numbers, { shape: [...shape] });
  return type === 'bool' ? array.astype(np.bool) : array;
}

/** Computes a tensor from arrays by input name; the arrays are consumed. */
function interpret(tensor: Tensor, inputs: Arrays, batch: number): np.Array {
  const known = new Map<Tensor, np.Array>();
  const resultOf = (node: Tensor): np.Array => {
    const found = known.get(node);
    if (found !== undefined) return found.ref;
    const made =
      node.op === 'input'
        ? inputs[(node as Tensor<'input'>).attributes.name].ref
        : (INTERPRETATIONS[node.op] as Interpretation<OpName>)(
            node.attributes,
            node.inputs.map(resultOf),
            (shape) => resolve(shape, batch),
            node,
          );
    known.set(node, made);
    return made.ref;
  };
  const result = resultOf(tensor);
  for (const array of [...known.values(), ...Object.values(inputs)]) array.dispose();
  return result;
}

/** Consumes the inputs. */
type Interpretation<K extends OpName> = (
  attributes: Attributes[K],
  inputs: np.Array[],
  sizeOf: (shape: Shape) => number[],
  node: Tensor,
) => np.Array;

const fed = (): never => {
  throw new Error('inputs are fed');
};

/** np.matmul does not broadcast stacks of unequal rank, so those are multiplied out and summed. */
function product(a: np.Array, b: np.Array): np.Array {
  if (a.ndim === 2 && b.ndim === 2) return np.matmul(a, b);
  const left = a.reshape([...a.shape, 1]); // [..., m, k, 1]
  const right = b.reshape([...b.shape.slice(0, -2), 1, ...b.shape.slice(-2)]); // [..., 1, k, n]
  return np.sum(left.mul(right), -2);
}

/** Broadcasting is jax-js' own. */
const INTERPRETATIONS: { [K in OpName]: Interpretation<K> } = {
  input: fed,
  constant: ({ values, shape, type }) =>
    np.array(Float32Array.from(values), { shape: [...shape] }).astype(DTYPES[type]),

  neg: (_, [x]) => np.negative(x),
  exp: (_, [x]) => np.exp(x),
  log: (_, [x]) => np.log(x),
  sqrt: (_, [x]) => np.sqrt(x),
  reciprocal: (_, [x]) => np.reciprocal(x),
  abs: (_, [x]) => np.abs(x),
  relu: (_, [x]) => np.where(x.ref.greater(0), x, 0),
  sigmoid: (_, [x]) => np.reciprocal(np.exp(x.neg()).add(1)),
  tanh: (_, [x]) => np.tanh(x),
  softplus: (_, [x]) => np.log(np.exp(x).add(1)),
  stopGradient: (_, [x]) => lax.stopGradient(x),

  add: (_, [a, b]) => a.add(b),
  sub: (_, [a, b]) => a.sub(b),
  mul: (_, [a, b]) => a.mul(b),
  div: (_, [a, b]) => np.trueDivide(a, b),
  maximum: (_, [a, b]) => np.maximum(a, b),
  minimum: (_, [a, b]) => np.minimum(a, b),

  less: (_, [a, b]) => a.less(b),
  greater: (_, [a, b]) => a.greater(b),
  equal: (_, [a, b]) => a.equal(b),
  cast: ({ to }, [x]) => (to === 'bool' ? x.notEqual(0) : x.astype(DTYPES[to])),
  where: (_, [condition, a, b]) => np.where(condition, a, b),

  reduceSum: ({ axes, keep }, [x]) => np.sum(x, [...axes], { keepdims: keep }),
  reduceMax: ({ axes, keep }, [x]) => np.max(x, [...axes], { keepdims: keep }),
  softmax: ({ axis }, [x]) => nn.softmax(x, axis),

  matmul: ({ transposeA, transposeB }, [a, b]) =>
    product(transposeA ? np.matrixTranspose(a) : a, transposeB ? np.matrixTranspose(b) : b),

  reshape: ({ shape }, [x], sizeOf) => x.reshape(sizeOf(shape)),
  transpose: ({ permutation }, [x]) => x.transpose([...permutation]),
  expand: ({ shape }, [x], sizeOf) => np.broadcastTo(x, sizeOf(shape)),
  concat: ({ axis }, inputs) => np.concatenate(inputs, axis),
  slice: ({ axis, start, end }, [x]) =>
    x.slice(...x.shape.map((_, i): [] | [number, number] => (i === axis ? [start, end] : []))),
  pad: ({ axis, before, after }, [x]) =>
    np.pad(
      x,
      x.shape.map((_, i): [number, number] => (i === axis ? [before, after] : [0, 0])),
    ),
  gather: (_, [data, indices]) => np.take(data, indices, 0),
  scatterAdd: (_, [values, indices], sizeOf, { shape }) => {
    const [rows, ...rest] = sizeOf(shape);
    const width = rest.reduce((product, n) => product * n, 1);
    const chosen = np.matrixTranspose(nn.oneHot(indices.flatten(), rows)); // [rows, n]
    return np.matmul(chosen, values.reshape([-1, width])).reshape([rows, ...rest]);
  },
};
