/**
 * Star topology (Sheng et al., CIKM 2021, section 3.3): a network per head whose kernels are the elementwise product of a shared
 * kernel, the centre, and one of its own; biases add up.
 *
 *   layer_h(v) = v (K * K_h) + b + b_h
 *
 * All heads are one batched product with the combined kernels [H, in, out]; no kernel is gathered per row.
 */
import { add, matmul, mul, relu, reshape } from '../../graph/index.ts';
import type { Layer } from '../contract.ts';
import { layer, parameter, widthsOf } from './layer.ts';
import { linear } from './linear.ts';

/** Layers of `dims` with ReLU and dropout between them, none after the last: x [B, in] -> [H, B, dims.at(-1)]. */
export function starNetwork(
  name: string,
  { heads, inputs, dims }: { heads: number; inputs: number; dims: readonly number[] },
): Layer {
  const layers = widthsOf(inputs, dims).map((widths, i) => starLayer(`${name}.${i}`, { heads, ...widths }));
  return layer(layers, (x, step) =>
    layers.reduce((hidden, own, i) => {
      const answers = own(hidden, step); // [H,B,dims[i]]
      return i < dims.length - 1 ? step.dropout(relu(answers), `${name}.${i}`) : answers;
    }, x),
  );
}

/**
 * x [B, in] or [H, B, in] -> [H, B, out]. The centre starts like any dense layer; own kernels start at 1 and own biases at 0, so that
 * at first every head is the centre. Two random factors would make the combined kernels far too small.
 */
function starLayer(
  name: string,
  { heads, inputs, outputs }: { heads: number; inputs: number; outputs: number },
): Layer {
  const centre = linear(name, { inputs, outputs });
  const ownKernel = parameter(`${name}.own.kernel`, [heads, inputs, outputs], { kind: 'ones' });
  const ownBias = parameter(`${name}.own.bias`, [heads, outputs], { kind: 'zeros' });
  return layer([centre, ownKernel, ownBias], (x, step) => {
    const kernels = mul(centre.kernel(step), ownKernel(step)); // [H,in,out]
    const biases = add(centre.bias(step), ownBias(step)); // [H,out]
    return add(matmul(x, kernels), reshape(biases, [heads, 1, outputs])); // [H,B,out]
  });
}
