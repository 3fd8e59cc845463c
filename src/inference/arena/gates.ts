/** Hard flow gates of rows, computed by the gate network from its table. */
import type { Session } from '../../runtime/contract.ts';
import { createExecutor, type Executor } from '../executor.ts';
import type { ModelArena } from './arena.ts';
import { loadRows, parameterFeeds, type RowsToScore, rowFeeds } from './inputs.ts';

/** The gates of rows: [size, flows * T] zeros and ones, flow by flow. A one removes its flow. */
export interface GateSource {
  fill(rows: RowsToScore, out: Float32Array): void | Promise<void>;
}

/** Runs the gate network: `gateLogits` [size, flows * T]. */
export const gateExecutor = ({ layout, weights, scoring }: ModelArena, session: Session) =>
  createExecutor<RowsToScore>(
    session,
    { ...parameterFeeds(weights), ...rowFeeds(layout, scoring) },
    {
      load: (rows) => loadRows(layout, scoring, rows, weights.tables, 'gateEmbedding'),
      finite: ['gateLogits'],
      what: 'a flow gate of a row', // NaN would count as a kept flow
    },
  );

/** Runs the gate network for every batch. */
export const liveGates = (network: Executor<RowsToScore>): GateSource => ({
  async fill(rows, out) {
    const { data } = (await network.run(rows)).gateLogits;
    for (let i = 0; i < data.length; i++) out[i] = data[i] > 0 ? 1 : 0;
  },
});
