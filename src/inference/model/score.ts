/** A finished model out of a run folder, ready to score rows. */

import { loadKernels, regionBytes } from '../../kernels/index.ts';
import { networkOf } from '../../model/network.ts';
import { findModel } from '../../model/registry.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import { createSession } from '../../runtime/session.ts';
import { type ModelDescription, modelTensor } from '../../store/run/model-file.ts';
import { liveGates } from '../arena/gates.ts';
import { allocateInputs, inputBytes, rowLayout } from '../arena/inputs.ts';
import { type RowsToScore, type ScorerContext, score } from '../arena/scorer.ts';
import { allocateWeights, weightBytes, weightTensors } from '../arena/weights.ts';
import { choiceOutputs } from '../choices.ts';
import { gateGraph, inferenceGraph, readsSequences } from '../graphs/forward.ts';
import { loadRunModel, type RunSource } from './run-model.ts';
import { modelSizes } from './sizes.ts';

export interface FinishedModel {
  description: ModelDescription;
  /** Rows per call at most. */
  batchSize: number;
  context: ScorerContext;
  /** Logits [size, T]. */
  score(batch: RowsToScore): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface ModelUse extends SessionOptions {
  /** Rows per call at most. Default 16384. */
  batchSize?: number;
  /** The data whose rows are scored: for weights that were imported without any, and for those of a checkpoint. */
  data?: ModelDescription['data'];
  /** Which weights of the run. Default: the finished model; without one, and with `data`, its best checkpoint. */
  source?: RunSource;
  /** Give what rows choose beside the logits. Default false. */
  choices?: boolean;
}

/**
 * Loads the model of a run.
 *
 * @throws MODEL_UNKNOWN, SEQUENCES_MISSING, and what loadRunModel throws
 */
export async function openModel(folder: string, options: ModelUse = {}): Promise<FinishedModel> {
  const { batchSize = 16384, data, source, choices = false, ...runtime } = options;
  const { description, tensors } = loadRunModel(folder, data, source);
  const model = findModel(description.model.key);
  const modelOptions = model.options.parse(description.model);
  const trainedOn = data ?? description.data;
  const { fields, tableRows } = trainedOn;
  const sizes = modelSizes(trainedOn);
  const { parameters, buffers: state, dimension } = networkOf(model, modelOptions, sizes);
  const { flowSelection } = model;
  const request = { model, options: modelOptions, sizes, batchSize };
  const graph = inferenceGraph(
    { ...request, phase: flowSelection ? 'retrain' : 'train' },
    choices ? choiceOutputs : undefined,
  );
  const layout = rowLayout(fields, dimension, readsSequences(graph) ? sizes.sequences : undefined);
  const width = (flowSelection?.flows.length ?? 0) * sizes.tasks;

  const weightSizes = {
    specs: parameters,
    buffers: state,
    tableRows,
    dimension,
    gateTable: flowSelection !== undefined,
    moments: 0 as const,
  };
  const kernels = await loadKernels();
  const arena = kernels.createArena(
    weightBytes(weightSizes) + inputBytes(batchSize, layout) + regionBytes(batchSize * width),
  );
  const weights = allocateWeights(arena, weightSizes);
  for (const [name, { shape, data: target }] of weightTensors(weights))
    target.set(modelTensor(folder, tensors, name, shape) as never);

  const buffers = allocateInputs(arena, batchSize, layout);
  const session = await createSession(graph.bytes, runtime);
  const gateSession =
    flowSelection && (await createSession(gateGraph({ ...request, phase: 'retrain' }).bytes, runtime));
  const gates = gateSession && {
    source: liveGates({ kernels, session: gateSession, weights, layout, buffers, width }),
    region: arena.floats(batchSize * width),
    width,
  };
  const context: ScorerContext = { kernels, session, weights, layout, buffers, gates, scalars: {} };
  return {
    description,
    batchSize,
    context,
    score: (batch) => score(context, batch),
    async close() {
      await session.release();
      await gateSession?.release();
    },
  };
}
