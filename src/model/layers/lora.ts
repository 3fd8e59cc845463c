/**
 * Layers that keep what is common in one full kernel and what is specific (to a scenario or task) in low-rank additions:
 * y = x K + b  +  (x A_s) B_s + c_s. The additions of all s lie next to each other in one pair of matrices, so that no kernel
 * is gathered per row: `lora.down` [in, S*r], `lora.up` [S*r, out], `lora.bias` [S, out]. With rank 0 the bias is alone.
 */
import { add, cast, equal, matmul, mul, oneHot, reshape, slice, type Tensor } from '../../graph/index.ts';
import type { Initializer, Layer, Owned, Step } from '../contract.ts';
import { layer, owned, parameter, times, widthsOf } from './layer.ts';
import { type Linear, linear } from './linear.ts';

/** How A is drawn. `reference`: Xavier on the whole 3-D tensor, as published (its scale falls with S and r); `slice`: Xavier on each A_s. */
export type LoraInit = 'reference' | 'slice';

interface LoraSizes {
  inputs: number;
  outputs: number;
  /** Specific additions. */
  count: number;
  rank: number;
  init: LoraInit;
}

/** Layers of `dims`, one after another; layer i is `<name>.<i>`. */
export const loras = (
  name: string,
  { inputs, dims, ...others }: Omit<LoraSizes, 'outputs'> & { dims: readonly number[] },
): Lora[] => widthsOf(inputs, dims).map((widths, i) => lora(`${name}.${i}`, { ...widths, ...others }));

export interface Lora extends Owned {
  /** What is common: x [B, in] -> [B, out]. */
  common: Linear;
  /** The addition of each row's own scenario: x [B, in] -> [B, out]. */
  ofScenario: Layer;
  /** The addition of one task for all rows: x [B, in] -> [B, out]. */
  ofTask: Layer<[x: Tensor, task: number]>;
  /** A_t B_t of one task, [in, out]. */
  product: Layer<[task: number]>;
  /** c [S, out] */
  biases: Layer<[]>;
}

/** B and the biases start at zero: at first nothing is specific. */
export function lora(name: string, { inputs, outputs, count, rank, init }: LoraSizes): Lora {
  const zeros: Initializer = { kind: 'zeros' };
  const normal = (fanSum: number): Initializer => ({ kind: 'normal', deviation: Math.sqrt(2 / fanSum) });
  const common = linear(name, { inputs, outputs, start: { kernel: normal(inputs + outputs), bias: zeros } });
  const drawn = normal(init === 'reference' ? (count + inputs) * rank : inputs + rank);
  const down = parameter(`${name}.lora.down`, [inputs, count * rank], drawn);
  const up = parameter(`${name}.lora.up`, [count * rank, outputs], zeros);
  const biases = parameter(`${name}.lora.bias`, [count, outputs], zeros);
  const parts = rank === 0 ? [common, biases] : [common, down, up, biases];

  const ofScenario = layer(parts, (x, step) => {
    const bias = (): Tensor => matmul(oneHot(step.scenario, count), biases(step)); // [B,out]
    if (rank === 0) return bias();
    const reduced = matmul(x, down(step)); // [B,S*r]
    const own = mul(reduced, ownColumns(step.scenario, count, rank)); // [B,S*r], zero in other scenarios' columns
    const shift = bias();
    return add(matmul(own, up(step)), shift); // [B,out]
  });
  const ofTask = layer(parts, (x: Tensor, task: number, step: Step) => {
    const bias = (): Tensor => slice(biases(step), 0, task, task + 1); // [1,out]
    if (rank === 0) return add(mul(slice(x, 1, 0, 1), 0), bias()); // [B,out]
    const [A, B] = factors(task, step);
    const shift = bias();
    return add(matmul(matmul(x, A), B), shift); // [B,out]
  });
  /** A_t [in, r] and B_t [r, out]. */
  const factors = (task: number, step: Step): [Tensor, Tensor] => [
    slice(down(step), 1, task * rank, (task + 1) * rank),
    slice(up(step), 0, task * rank, (task + 1) * rank),
  ];
  const product = layer(parts, (task: number, step: Step) => matmul(...factors(task, step)));
  return { ...owned(parts), common, ofScenario, ofTask, product, biases };
}

/** 1 in the r columns of a row's own scenario, else 0: [B, S*r]. */
function ownColumns(scenario: Tensor, count: number, rank: number): Tensor {
  const owner = times(count * rank, (column) => Math.floor(column / rank));
  return cast(
    equal(reshape(scenario, ['B', 1]), scenario.graph.constant(owner, [1, owner.length], 'int32')),
    'float32',
  );
}
