/** Executor of the training graph: feeds its inputs. */

import {
  parameterFeeds,
  type RowLayout,
  rowFeeds,
  rowsOf,
  scalarFeeds,
  scalarValue,
} from '../../inference/arena/inputs.ts';
import type { Weights } from '../../inference/arena/weights.ts';
import { createExecutor, type Executor, type Feeds } from '../../inference/executor.ts';
import type { Session, Value } from '../../runtime/contract.ts';
import type { StepBuffers } from './buffers.ts';
import type { TrainingGraph } from './graph.ts';

/** Rows in the workspace of a step, and their other inputs. */
export interface LoadedRows {
  size: number;
  /** Rows of the batch on all ranks together. Default: `size`. */
  ofBatch?: number;
  scalars: Readonly<Record<string, number>>;
  /** Dropout masks and noise, by input. */
  drawn: Readonly<Record<string, Value>>;
}

export type StepExecutor = Executor<LoadedRows>;

export function stepExecutor(
  session: Pick<Session, 'inputs' | 'run' | 'release'>,
  graph: TrainingGraph,
  weights: Weights,
  buffers: StepBuffers,
  layout: RowLayout,
): StepExecutor {
  return createExecutor<LoadedRows>(session, stepFeeds(graph, weights, buffers, layout));
}

/** What the inputs of a training graph read. */
export function stepFeeds(
  graph: Pick<TrainingGraph, 'dropout' | 'noise' | 'scalars'>,
  weights: Weights,
  buffers: StepBuffers,
  layout: RowLayout,
): Feeds<LoadedRows> {
  const tasks = buffers.labels.view.length / buffers.capacity;
  const gates = buffers.gates.view.length / buffers.capacity;
  const drawn = [...graph.dropout, ...graph.noise].map(({ input }) => [input, (rows: LoadedRows) => rows.drawn[input]]);
  return {
    ...parameterFeeds(weights),
    ...scalarFeeds(graph.scalars),
    ...Object.fromEntries(drawn),
    ...rowFeeds(layout, buffers),
    rows: ({ size, ofBatch = size }) => scalarValue(ofBatch),
    labels: ({ size }) => rowsOf(buffers.labels, size, tasks),
    lossWeights: ({ size }) => rowsOf(buffers.lossWeights, size, tasks),
    rowWeights: ({ size }) => rowsOf(buffers.rowWeights, size),
    gates: ({ size }) => rowsOf(buffers.gates, size, gates),
  };
}
