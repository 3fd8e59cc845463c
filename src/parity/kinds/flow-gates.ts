/** Flow gates as the gate network of a model gives them, in the reference's order: task by task. */
import type { Batch } from '../../data/prepared/prepared.ts';
import type { GateNetwork } from '../../inference/arena/gates.ts';
import { liveGates } from '../../inference/arena/gates.ts';
import { loadRows, parameterValues, rowsOf } from '../../inference/arena/inputs.ts';
import type { Region } from '../../kernels/index.ts';
import type { Session } from '../../runtime/contract.ts';

export interface FlowGates {
  /** [size, flows*T] zeros and ones, flow by flow: as graphs take them. */
  fed: Float32Array;
  /** [size, T, flows] zeros and ones. */
  hard: Float32Array;
  /** [size, T, flows] */
  logits: Float32Array;
}

/** Gates of a batch from the frozen table and the gate parameters. */
export async function flowGates(
  network: GateNetwork,
  batch: Pick<Batch, 'size' | 'ids' | 'scenario' | 'row'>,
  tasks: number,
): Promise<FlowGates> {
  const { session, kernels, layout, buffers, weights, width } = network;
  const fed = new Float32Array(batch.size * width);
  await liveGates(network).fill(batch, fed);

  loadRows(kernels, layout, buffers, batch, weights.gateTable as Region);
  const feeds = {
    ...parameterValues(weights),
    embedding: rowsOf(buffers.embedding, batch.size, layout.fields.length * layout.dimension),
  };
  const { gateLogits } = await run(session, feeds); // [size, flows*T]
  return { fed, hard: byTask(fed, width, tasks), logits: byTask(gateLogits.data as Float32Array, width, tasks) };
}

/** Runs a graph on those of the values that it takes. */
export const run = (session: Session, values: Parameters<Session['run']>[0]): ReturnType<Session['run']> =>
  session.run(Object.fromEntries(session.inputs.map((name) => [name, values[name]])));

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
