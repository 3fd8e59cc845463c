/**
 * GateNU, the gate unit of PEPNet (Chang et al., KDD 2023, section 3.1): factors between 0 and 2 from what is known beforehand; 1
 * leaves a number as it is.
 *
 *   gate(v) = 2 sigmoid(linear_1(relu(linear_0(v))))
 */
import { mul, sigmoid } from '../../graph/index.ts';
import type { Layer } from '../contract.ts';
import { layer } from './layer.ts';
import { twoLayers } from './linear.ts';

/** The largest factor: twice the neutral one. */
const GAMMA = 2;

interface GateSizes {
  /** Units next to each other. Default: one. */
  count?: number;
  inputs: number;
  hidden: number;
  outputs: number;
}

/** v [B, in] -> [B, out], or [K, B, out] for `count` units. */
export function gateUnit(name: string, sizes: GateSizes): Layer {
  const logits = twoLayers(name, sizes);
  return layer([logits], (v, step) => mul(sigmoid(logits(v, step)), GAMMA));
}
