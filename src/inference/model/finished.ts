/** A finished model that scores rows with the training graphs, for evaluation, studies and parity. */
import { existsSync } from 'node:fs';
import { closable } from '../../base/disposal.ts';
import { networkOf } from '../../model/network.ts';
import { models } from '../../model/registry.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import { createSession } from '../../runtime/session.ts';
import type { ModelDescription } from '../../store/run/model-file.ts';
import { modelFiles, openRun, runPaths } from '../../store/run/run-folder.ts';
import { copyInto, type TensorView } from '../../store/tensors.ts';
import type { TableStore } from '../../tables/contract.ts';
import type { MemoryLimits } from '../../tables/open.ts';
import { type ModelArena, openArena } from '../arena/arena.ts';
import { type ModelExecutor, modelExecutor } from '../arena/executor.ts';
import { gateExecutor, liveGates } from '../arena/gates.ts';
import { type RowsToScore, rowLayout } from '../arena/inputs.ts';
import { weightTensors } from '../arena/weights.ts';
import { choiceOutputs } from '../choices.ts';
import { gateGraph, inferenceGraph, readsSequences } from '../graphs/forward.ts';
import { loadTrained, type RunSource, type TrainedModel } from './trained.ts';

/** A model that scores rows with the training graphs, without batch statistics, dropout and noise. */
export interface FinishedModel extends AsyncDisposable {
  /** Max rows per call. */
  batchSize: number;
  executor: ModelExecutor;
  arena: ModelArena;
  /** Logits [size, T]. */
  score(rows: RowsToScore): Promise<Float32Array>;
  /** Releases the sessions. Disposing also closes. */
  close(): Promise<void>;
}

export interface ScoringOptions extends SessionOptions {
  /** Max rows per call. Default 16384. */
  batchSize?: number;
  /** Also return what rows choose. Default false. */
  choices?: boolean;
  limits?: MemoryLimits;
  /** Memories of their own that take the tables of the model, whatever is in them. Default: new ones, or the arena. */
  tables?: TableStore;
}

export interface ModelUse extends ScoringOptions {
  /** The data whose rows are scored: for weights that were imported without data, and for those of a checkpoint. */
  data?: ModelDescription['data'];
  /** Which weights of the run. Default: the finished model; without one, and with `data`, its best checkpoint. */
  source?: RunSource;
}

/**
 * Opens the model of a run. Executes the module files that the run names.
 *
 * @throws MODEL_UNKNOWN, SEQUENCES_MISSING, and errors of loadRunModel
 */
export async function openModel(folder: string, { data, source, ...options }: ModelUse = {}): Promise<FinishedModel> {
  // While a run is being finished its folder has no record yet, but its thread knows the model.
  const record = existsSync(runPaths(folder).record) ? openRun(folder) : undefined;
  if (record !== undefined) await models.loadFiles(modelFiles(record));
  return scoringModel(loadTrained(folder, record, data, source), options);
}

/** Loads a model into an arena and creates sessions of its graphs. */
async function scoringModel(
  { model, options, sizes, data, tensors }: TrainedModel,
  { batchSize = 16384, choices = false, limits, tables, ...runtime }: ScoringOptions = {},
): Promise<FinishedModel> {
  const { flowSelection } = model;
  const request = { model, options, sizes, batchSize, phase: flowSelection ? 'retrain' : 'train' } as const;
  const graph = inferenceGraph(request, choices ? choiceOutputs : undefined);
  const { parameters: specs, buffers, dimension } = networkOf(model, options, sizes);
  const { tableRows, fields } = data;
  const arena = await openArena({
    weights: {
      specs,
      buffers,
      tables: { rows: tableRows, dimension, gateTable: flowSelection !== undefined, moments: 0 },
    },
    layout: rowLayout(fields, dimension, readsSequences(graph) ? sizes.sequences : undefined),
    capacity: batchSize,
    gateWidth: (flowSelection?.flows.length ?? 0) * sizes.tasks,
    limits,
    tables,
  });
  for (const [name, { parts }] of weightTensors(arena.weights)) copyInto(parts, tensors.get(name) as TensorView);
  const session = await createSession(graph.bytes, runtime);
  const gating = flowSelection && gateExecutor(arena, await createSession(gateGraph(request).bytes, runtime));
  const executor = modelExecutor(arena, session, graph, gating && liveGates(gating));
  return {
    ...closable,
    batchSize,
    executor,
    arena,
    score: async (rows) => (await executor.run(rows)).logits.data as Float32Array,
    async close() {
      await executor.release();
      await gating?.release();
    },
  };
}
