/** Hard flow gates of rows, by the gate network and the table that it reads. */
import { error } from '../../base/errors/index.ts';
import { firstNotFinite } from '../../base/finite.ts';
import type { Batch } from '../../data/prepared/prepared.ts';
import type { Kernels, Region } from '../../kernels/index.ts';
import type { Session } from '../../runtime/contract.ts';
import { type InputBuffers, loadRows, parameterValues, type RowLayout, rowValues } from './inputs.ts';
import type { Weights } from './weights.ts';

/** Gives the gates of a batch's rows: [size, width] zeros and ones, flow by flow. A one removes its flow. */
export interface GateSource {
  fill(batch: Pick<Batch, 'size' | 'ids' | 'scenario' | 'row' | 'sequences'>, out: Float32Array): void | Promise<void>;
}

export interface GateNetwork {
  kernels: Kernels;
  session: Session;
  weights: Weights;
  layout: RowLayout;
  buffers: InputBuffers;
  /** flows * tasks */
  width: number;
}

/** Runs the gate network for every batch. */
export const liveGates = ({ kernels, session, weights, layout, buffers, width }: GateNetwork): GateSource => ({
  async fill(batch, out) {
    loadRows(kernels, layout, buffers, batch, weights.gateTable as Region);
    const parameters = parameterValues(weights);
    const feeds = {
      ...Object.fromEntries(
        session.inputs.filter((name) => name in parameters).map((name) => [name, parameters[name]]),
      ),
      embedding: rowValues(layout, buffers, batch.size).embedding,
    };
    const { gateLogits } = await session.run(feeds); // [size, width]
    if (firstNotFinite(gateLogits.data as Float32Array) >= 0)
      throw error('MODEL_NOT_FINITE', { what: 'a flow gate of a row' }); // NaN would count as a kept flow
    for (let i = 0; i < batch.size * width; i++) out[i] = gateLogits.data[i] > 0 ? 1 : 0;
  },
});
