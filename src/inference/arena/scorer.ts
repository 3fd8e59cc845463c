/** Scores batches with an inference graph: validation while training, and finished models. */
import { error } from '../../base/errors/index.ts';
import { firstNotFinite } from '../../base/finite.ts';
import type { Batch } from '../../data/prepared/prepared.ts';
import type { Kernels, Region } from '../../kernels/index.ts';
import type { Session, Value } from '../../runtime/contract.ts';
import type { GateSource } from './gates.ts';
import {
  type InputBuffers,
  loadRows,
  parameterValues,
  type RowLayout,
  rowsOf,
  rowValues,
  scalarValue,
} from './inputs.ts';
import type { Weights } from './weights.ts';

export interface ScorerContext {
  kernels: Kernels;
  session: Session;
  weights: Weights;
  layout: RowLayout;
  buffers: InputBuffers;
  /** [B, width] room for fed gates, where the graph takes them. */
  gates?: { source: GateSource; region: Region; width: number };
  scalars: Record<string, number>;
}

export type RowsToScore = Pick<Batch, 'size' | 'ids' | 'scenario' | 'row' | 'sequences'>;

/** Logits [size, T] of a batch; the array is the caller's. Throws MODEL_NOT_FINITE. */
export const score = async (context: ScorerContext, batch: RowsToScore): Promise<Float32Array> =>
  (await outputs(context, batch)).logits.data as Float32Array;

/** All that the graph gives. Throws MODEL_NOT_FINITE where an answer is not a finite number. */
export async function outputs(context: ScorerContext, batch: RowsToScore): Promise<Record<string, Value>> {
  const { kernels, session, weights, layout, buffers, gates } = context;
  // The gate network reads its own table through the same buffers, so it goes first.
  if (gates !== undefined) await gates.source.fill(batch, gates.region.view);
  loadRows(kernels, layout, buffers, batch, weights.table);
  const feeds: Record<string, Value> = {
    ...parameterValues(weights),
    ...Object.fromEntries(Object.entries(context.scalars).map(([name, value]) => [name, scalarValue(value)])),
    ...rowValues(layout, buffers, batch.size),
  };
  if (gates !== undefined) feeds.gates = rowsOf(gates.region, batch.size, gates.width);
  const wanted = Object.fromEntries(session.inputs.map((name) => [name, feeds[name]]));
  const found = await session.run(wanted);
  if (firstNotFinite(found.logits.data as Float32Array) >= 0)
    throw error('MODEL_NOT_FINITE', { what: "the model's answer to a row" });
  return found;
}
