/**
 * Star topology (Sheng et al., CIKM 2021, section 3.3): a network per head whose kernels are the elementwise product of a shared
 * kernel, the centre, and one of its own; biases add up.
 *
 *   layer_h(v) = v (K * K_h) + b + b_h
 *
 * All heads are one batched product with the combined kernels [H, in, out]; no kernel is gathered per row.
 */
import { add, matmul, mul, relu, reshape, type Tensor } from '../../graph/index.ts';
import type { CommonOptions, ForwardInputs, ParameterSpec } from '../contract.ts';
import { linearParameters } from './linear.ts';

/** Layers of `dims` with ReLU and dropout between them, none after the last: x [B, in] -> [H, B, dims.at(-1)]. */
export function starNetwork(
  x: Tensor,
  name: string,
  dims: readonly number[],
  { parameter, dropout }: ForwardInputs<CommonOptions>,
): Tensor {
  return dims.reduce((hidden, _, i) => {
    const answers = starLayer(hidden, `${name}.${i}`, parameter); // [H,B,dims[i]]
    return i < dims.length - 1 ? dropout(relu(answers), `${name}.${i}`) : answers;
  }, x);
}

/** x [B, in] or [H, B, in] -> [H, B, out]. */
function starLayer(x: Tensor, name: string, parameter: (name: string) => Tensor): Tensor {
  const kernels = mul(parameter(`${name}.kernel`), parameter(`${name}.own.kernel`)); // [H,in,out]
  const biases = add(parameter(`${name}.bias`), parameter(`${name}.own.bias`)); // [H,out]
  const [heads, outputs] = biases.shape as number[];
  return add(matmul(x, kernels), reshape(biases, [heads, 1, outputs])); // [H,B,out]
}

/**
 * The centre starts like any dense layer; own kernels start at 1 and own biases at 0, so that at first every head is the
 * centre. Two random factors would make the combined kernels far too small.
 */
export const starParameters = (
  name: string,
  { heads, inputs, dims }: { heads: number; inputs: number; dims: readonly number[] },
): ParameterSpec[] =>
  dims.flatMap((outputs, i): ParameterSpec[] => {
    const [layer, rows] = [`${name}.${i}`, i === 0 ? inputs : dims[i - 1]];
    return [
      ...linearParameters(layer, rows, outputs),
      { name: `${layer}.own.kernel`, shape: [heads, rows, outputs], initializer: { kind: 'ones' }, group: 'weight' },
      { name: `${layer}.own.bias`, shape: [heads, outputs], initializer: { kind: 'zeros' }, group: 'weight' },
    ];
  });
