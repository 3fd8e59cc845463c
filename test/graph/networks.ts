/** Small networks that several tests of graphs differentiate, compile and run. */
import { add, Graph, grad, matmul, mul, reduceSum, relu, softplus, sub, type Tensor } from '../../src/graph/index.ts';
import type { Value } from '../../src/runtime/contract.ts';
import { normals, wholes } from './support.ts';

export interface Network {
  /** loss, and the gradient of every weight and of the features by name. */
  outputs: Record<string, Tensor>;
  feeds: (rows: number) => Record<string, Value>;
}

/** ReLU layers of the given widths on `features` inputs, a logistic loss with a weight per row, all gradients. */
export function mlpTraining(features: number, widths: readonly number[]): Network {
  const graph = new Graph();
  const x = graph.input('x', ['B', features]);
  const dims = [features, ...widths];
  const layers = widths.map((width, i) => ({
    kernel: graph.input(`kernel${i}`, [dims[i], width]),
    bias: graph.input(`bias${i}`, [width]),
  }));
  const output = layers.reduce((hidden, { kernel, bias }, i) => {
    const sum = add(matmul(hidden, kernel), bias);
    return i < layers.length - 1 ? relu(sum) : sum;
  }, x); // [B,widths.at(-1)]
  const labels = graph.input('labels', output.shape);
  const rowWeights = graph.input('rowWeights', ['B', 1]);
  const loss = reduceSum(mul(sub(softplus(output), mul(labels, output)), rowWeights));
  const wanted = [x, ...layers.flatMap(({ kernel, bias }) => [kernel, bias])];
  const gradients = grad(loss, wanted);
  const name = (tensor: Tensor): string => (tensor as Tensor<'input'>).attributes.name;
  return {
    outputs: { loss, ...Object.fromEntries(wanted.map((tensor, i) => [`d_${name(tensor)}`, gradients[i]])) },
    feeds: (rows) => ({
      x: normals([rows, features], 1, 'x'),
      ...Object.fromEntries(
        layers.flatMap(({ kernel, bias }, i) => [
          [name(kernel), normals([dims[i], widths[i]], 1 / Math.sqrt(dims[i]), 'kernel', i)],
          [name(bias), normals([widths[i]], 0.1, 'bias', i)],
        ]),
      ),
      labels: floatsOf(wholes([rows, widths.at(-1) as number], 2, 'labels')),
      rowWeights: { type: 'float32', shape: [rows, 1], data: new Float32Array(rows).fill(1 / rows) },
    }),
  };
}

const floatsOf = ({ shape, data }: Value): Value => ({ type: 'float32', shape, data: Float32Array.from(data) });
