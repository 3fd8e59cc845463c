/** Dense layers. Kernels are [in, out]: y = x K + b. */
import { add, matmul, relu, type Tensor } from '../../graph/index.ts';
import type { Initializer, ParameterSpec } from '../contract.ts';

type Parameters = (name: string) => Tensor;

/** x [B, in] -> [B, out], with the parameters `<name>.kernel` [in, out] and `<name>.bias` [out]. */
export const linear = (x: Tensor, name: string, parameter: Parameters): Tensor =>
  add(matmul(x, parameter(`${name}.kernel`)), parameter(`${name}.bias`)); // [B,out]

/** Both drawn from U(-1/sqrt(in), 1/sqrt(in)), the default of PyTorch's Linear. */
export function linearParameters(name: string, inputs: number, outputs: number, group = 'weight'): ParameterSpec[] {
  const initializer = { kind: 'uniform', bound: 1 / Math.sqrt(inputs) } as const;
  return [
    { name: `${name}.kernel`, shape: [inputs, outputs], initializer, group },
    { name: `${name}.bias`, shape: [outputs], initializer, group },
  ];
}

/** Kernels [.., in, out] drawn by Xavier's uniform rule (Glorot and Bengio 2010), times `gain`; biases [.., out] at zero. */
export function xavierParameters(
  name: string,
  [inputs, outputs]: readonly [number, number],
  { stack = [], gain = 1 }: { stack?: readonly number[]; gain?: number } = {},
): ParameterSpec[] {
  const initializer: Initializer = { kind: 'uniform', bound: gain * Math.sqrt(6 / (inputs + outputs)) };
  return [
    { name: `${name}.kernel`, shape: [...stack, inputs, outputs], initializer, group: 'weight' },
    { name: `${name}.bias`, shape: [...stack, outputs], initializer: { kind: 'zeros' }, group: 'weight' },
  ];
}

/** ReLU layers of the given widths, dropout after each: x [B, in] -> [B, dims.at(-1)]. Layer i is `<name>.<i>`. */
export function mlp(
  x: Tensor,
  name: string,
  dims: readonly number[],
  parameter: Parameters,
  dropout: (x: Tensor, name: string) => Tensor,
): Tensor {
  let hidden = x;
  for (let i = 0; i < dims.length; i++)
    hidden = dropout(relu(linear(hidden, `${name}.${i}`, parameter)), `${name}.${i}`); // [B,dims[i]]
  return hidden;
}

export const mlpParameters = (
  name: string,
  inputs: number,
  dims: readonly number[],
  group = 'weight',
): ParameterSpec[] =>
  dims.flatMap((outputs, i) => linearParameters(`${name}.${i}`, i === 0 ? inputs : dims[i - 1], outputs, group));
