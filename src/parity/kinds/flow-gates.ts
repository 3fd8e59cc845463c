/** Flow gates from a model's gate network, in the reference's order: task by task. */
import { liveGates } from '../../inference/arena/gates.ts';
import type { RowsToScore } from '../../inference/arena/inputs.ts';
import type { Executor } from '../../inference/executor.ts';

export interface FlowGates {
  /** [size, flows*T] zeros and ones, flow by flow: the input of graphs. */
  fed: Float32Array;
  /** [size, T, flows] zeros and ones. */
  hard: Float32Array;
  /** [size, T, flows] */
  logits: Float32Array;
}

/** Gates of a batch from the frozen table and the gate parameters. */
export async function flowGates(network: Executor<RowsToScore>, batch: RowsToScore, tasks: number): Promise<FlowGates> {
  const { gateLogits } = await network.run(batch); // [size, flows*T]
  const logits = gateLogits.data as Float32Array;
  const width = logits.length / batch.size;
  const fed = new Float32Array(logits.length);
  await liveGates(network).fill(batch, fed);
  return { fed, hard: byTask(fed, width, tasks), logits: byTask(logits, width, tasks) };
}

/** [size, flows*T] flow by flow -> [size, T, flows]. */
function byTask(flowByFlow: Float32Array, width: number, tasks: number): Float32Array {
  const flows = width / tasks;
  return flowByFlow.map((_, i) => {
    const row = Math.floor(i / width);
    const task = Math.floor((i % width) / flows);
    return flowByFlow[row * width + (i % flows) * tasks + task];
  });
}

/** Mean gate [T][flows] over rows. */
export function gateRates(gates: ArrayLike<number>, tasks: number, flows: number): number[] {
  const width = tasks * flows;
  const rates = new Array<number>(width).fill(0);
  for (let i = 0; i < gates.length; i++) rates[i % width] += gates[i];
  return rates.map((sum) => (sum * width) / gates.length);
}

export const smallestSize = (values: ArrayLike<number>): number => {
  let smallest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < values.length; i++) smallest = Math.min(smallest, Math.abs(values[i]));
  return smallest;
};
