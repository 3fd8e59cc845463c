/**
 * GateNU, the gate unit of PEPNet (Chang et al., KDD 2023, section 3.1): factors between 0 and 2 from what is known beforehand; 1
 * leaves a number as it is.
 *
 *   gate(v) = 2 sigmoid(linear_1(relu(linear_0(v))))
 */
import { mul, relu, sigmoid, type Tensor } from '../../graph/index.ts';
import type { ParameterSpec } from '../contract.ts';
import { linear, linearParameters } from './linear.ts';
import { stackedLinear, stackedLinearParameters } from './stack.ts';

type Parameters = (name: string) => Tensor;

/** The largest factor: twice the neutral one. */
const GAMMA = 2;

interface GateSizes {
  inputs: number;
  hidden: number;
  outputs: number;
}

/** v [B, in] -> [B, out]. */
export const gateUnit = (v: Tensor, name: string, parameter: Parameters): Tensor => factors(v, name, linear, parameter);

/** As many units as the parameters are of: v [B, in] -> [K, B, out]. */
export const stackedGateUnit = (v: Tensor, name: string, parameter: Parameters): Tensor =>
  factors(v, name, stackedLinear, parameter);

function factors(v: Tensor, name: string, dense: typeof linear, parameter: Parameters): Tensor {
  const hidden = relu(dense(v, `${name}.0`, parameter));
  return mul(sigmoid(dense(hidden, `${name}.1`, parameter)), GAMMA);
}

export const gateUnitParameters = (name: string, { inputs, hidden, outputs }: GateSizes): ParameterSpec[] => [
  ...linearParameters(`${name}.0`, inputs, hidden),
  ...linearParameters(`${name}.1`, hidden, outputs),
];

export const stackedGateUnitParameters = (
  name: string,
  count: number,
  { inputs, hidden, outputs }: GateSizes,
): ParameterSpec[] => [
  ...stackedLinearParameters(`${name}.0`, count, inputs, hidden),
  ...stackedLinearParameters(`${name}.1`, count, hidden, outputs),
];
