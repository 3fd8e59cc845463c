/**
 * GateNU, the gate unit of PEPNet (Chang et al., KDD 2023, section 3.1): factors between 0 and 2 from what is known beforehand; 1
 * leaves a number as it is.
 *
 *   gate(v) = 2 sigmoid(linear_1(relu(linear_0(v))))
 */
import { mul, relu, sigmoid } from '../../graph/index.ts';
import type { Layer } from '../contract.ts';
import { layer } from './layer.ts';
import { type LinearSizes, linear } from './linear.ts';
import { stackedLinear } from './stack.ts';

/** The largest factor: twice the neutral one. */
const GAMMA = 2;

interface GateSizes {
  /** Units next to each other; default: one, not in a stack. */
  count?: number;
  inputs: number;
  hidden: number;
  outputs: number;
}

/** v [B, in] -> [B, out], or [K, B, out] for `count` units. */
export function gateUnit(name: string, { count, inputs, hidden, outputs }: GateSizes): Layer {
  const dense = (part: string, sizes: LinearSizes) =>
    count === undefined ? linear(part, sizes) : stackedLinear(part, { count, ...sizes });
  const first = dense(`${name}.0`, { inputs, outputs: hidden });
  const second = dense(`${name}.1`, { inputs: hidden, outputs });
  return layer([first, second], (v, step) => mul(sigmoid(second(relu(first(v, step)), step)), GAMMA));
}
