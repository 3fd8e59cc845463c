/**
 * Layers that keep what is common in one full kernel and what is specific (to a scenario or task) in low-rank additions:
 * y = x K + b  +  (x A_s) B_s + c_s. The additions of all s lie side by side in one pair of matrices, so that no kernel
 * is gathered per row: `lora.down` [in, S*r], `lora.up` [S*r, out], `lora.bias` [S, out]. With rank 0 the bias is alone.
 */
import { add, cast, equal, matmul, mul, oneHot, reshape, slice, type Tensor } from '../../graph/index.ts';
import type { Initializer, ParameterSpec } from '../contract.ts';

type Parameters = (name: string) => Tensor;

/** The addition of each row's own scenario: x [B, in], scenario int32 [B] -> [B, out]. */
export function scenarioLora(
  x: Tensor,
  scenario: Tensor,
  name: string,
  count: number,
  rank: number,
  parameter: Parameters,
): Tensor {
  const ownBias = (): Tensor => matmul(oneHot(scenario, count), parameter(`${name}.lora.bias`)); // [B,out]
  if (rank === 0) return ownBias();
  const reduced = matmul(x, parameter(`${name}.lora.down`)); // [B,S*r]
  const own = mul(reduced, ownColumns(scenario, count, rank)); // [B,S*r], zero in other scenarios' columns
  const bias = ownBias();
  return add(matmul(own, parameter(`${name}.lora.up`)), bias); // [B,out]
}

/** The addition of one specific kernel for all rows: x [B, in] -> [B, out]. */
export function specificLora(x: Tensor, index: number, name: string, rank: number, parameter: Parameters): Tensor {
  const ownBias = (): Tensor => slice(parameter(`${name}.lora.bias`), 0, index, index + 1); // [1,out]
  if (rank === 0) return add(mul(slice(x, 1, 0, 1), 0), ownBias()); // [B,out]
  const down = slice(parameter(`${name}.lora.down`), 1, index * rank, (index + 1) * rank); // [in,r]
  const up = slice(parameter(`${name}.lora.up`), 0, index * rank, (index + 1) * rank); // [r,out]
  const bias = ownBias();
  return add(matmul(matmul(x, down), up), bias); // [B,out]
}

/** 1 in the r columns of a row's own scenario, else 0: [B, S*r]. */
function ownColumns(scenario: Tensor, count: number, rank: number): Tensor {
  const owner = Array.from({ length: count * rank }, (_, column) => Math.floor(column / rank));
  return cast(
    equal(reshape(scenario, ['B', 1]), scenario.graph.constant(owner, [1, owner.length], 'int32')),
    'float32',
  );
}

/** How A is drawn. `reference`: Xavier on the whole 3-D tensor, as published (its scale falls with S and r); `slice`: Xavier on each A_s. */
export type LoraInit = 'reference' | 'slice';

/** `count` specific additions of rank r beside one shared kernel. B and the biases start at zero: at first nothing is specific. */
export function loraParameters(
  name: string,
  sizes: { inputs: number; outputs: number; count: number; rank: number },
  init: LoraInit,
): ParameterSpec[] {
  const { inputs, outputs, count, rank } = sizes;
  const zeros: Initializer = { kind: 'zeros' };
  const xavier = (fanSum: number): Initializer => ({ kind: 'normal', deviation: Math.sqrt(2 / fanSum) });
  const down = init === 'reference' ? xavier((count + inputs) * rank) : xavier(inputs + rank);
  const group = 'weight';
  return [
    { name: `${name}.kernel`, shape: [inputs, outputs], initializer: xavier(inputs + outputs), group },
    { name: `${name}.bias`, shape: [outputs], initializer: zeros, group },
    ...(rank === 0
      ? []
      : [
          { name: `${name}.lora.down`, shape: [inputs, count * rank], initializer: down, group },
          { name: `${name}.lora.up`, shape: [count * rank, outputs], initializer: zeros, group },
        ]),
    { name: `${name}.lora.bias`, shape: [count, outputs], initializer: zeros, group },
  ];
}
