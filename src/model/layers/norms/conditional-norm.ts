/**
 * Conditional layer norm: scale and shift are not learned as such but given by a condition (a task, a behaviour type), so
 * that one network serves all conditions.
 *
 *   CLN(x | c) = (x - mean) / sqrt(variance + epsilon) * scale_c + shift_c
 */
import { add, expand, mul, relu, reshape, type Tensor } from '../../../graph/index.ts';
import { layer, xavier } from '../layer.ts';
import { linear } from '../linear.ts';
import { standardized } from './norm.ts';

/** Of each condition c in C, for the numbers of a row of sequences: [C, 1, K*L*d] for all rows, or [C, B, K*L*d] where rows differ. */
export interface ScaleAndShift {
  scale: Tensor;
  shift: Tensor;
}

/**
 * Over the last axis of sequences: x [B, K, L, d], the same for all conditions, or [C, B, K, L, d] -> [C, B, K, L, d]. Whole rows
 * are scaled at once: item by item, 100 rows took DTRN a fifth longer.
 */
export function conditionalNorm(x: Tensor, { scale, shift }: ScaleAndShift): Tensor {
  const rows = reshape(standardized(x), [...x.shape.slice(0, -3), scale.shape[2]]); // [B,K*L*d] or [C,B,K*L*d]
  return reshape(add(mul(rows, scale), shift), [scale.shape[0], 'B', ...x.shape.slice(-3)]); // [C,B,K,L,d]
}

/** Numbers [C, S, K, d] of K sequences, repeated for each of their L items: [C, S, K*L*d]. */
export function forEachItem(numbers: Tensor, items: number): Tensor {
  const [conditions, sets, sequences, dimension] = numbers.shape as number[];
  const once = reshape(numbers, [conditions, sets, sequences, 1, dimension]);
  const repeated = expand(once, [conditions, sets, sequences, items, dimension]);
  return reshape(repeated, [conditions, sets, sequences * items * dimension]);
}

interface NormSizes {
  /** Numbers of a condition. */
  inputs: number;
  hidden: number;
  /** N, how many norms there are, and d, the numbers that each one scales. */
  norms: number;
  dimension: number;
}

/**
 * Scales and shifts by a hypernetwork (Ha et al. 2017), a ReLU layer and a linear one: conditions [C, c] -> N pairs of d numbers
 * each, [C, N, 2, d], the scale first, as its distance from 1. The last layer starts at a tenth of its usual size: all norms begin
 * near the plain one.
 */
export function generatedNorms(name: string, { inputs, hidden, norms, dimension }: NormSizes) {
  const outputs = norms * 2 * dimension;
  const first = linear(`${name}.0`, { inputs, outputs: hidden, start: xavier(inputs, hidden) });
  const second = linear(`${name}.1`, { inputs: hidden, outputs, start: xavier(hidden, outputs, 0.1) });
  return layer([first, second], (conditions: Tensor, step) => {
    const numbers = second(relu(first(conditions, step)), step); // [C,N*2*d]
    const plain = numbers.graph.constant([1, 0], [2, 1]);
    return add(reshape(numbers, [conditions.shape[0], norms, 2, dimension]), plain); // [C,N,2,d]
  });
}
