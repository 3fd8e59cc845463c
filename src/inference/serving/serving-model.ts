/** A model as serving graphs: writes them, and runs them. */

import { sha256 } from '../../base/hash.ts';
import { bytesOf } from '../../base/numbers.ts';
import type { Tensor } from '../../graph/index.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import { createSession } from '../../runtime/session.ts';
import { FileTensor, type TensorView } from '../../store/tensors.ts';
import type { Answers, Executor } from '../executor.ts';
import {
  compileServing,
  type ServingGraph,
  type ServingTensors,
  servingTensors,
  tableFile,
  type WritingOptions,
} from '../graphs/serving.ts';
import { TABLES } from '../model/fit.ts';
import type { TrainedModel } from '../model/trained.ts';
import { answer, type IdRows, idExecutor } from './id-rows.ts';
import { TableFolder } from './table-folder.ts';

export interface ServingModel {
  trained: TrainedModel;
  /** The full model, before it is written. */
  tensors: ServingTensors;
  /** Writes a graph of the model: `compileServing`. */
  compile(outputs: Readonly<Record<string, Tensor>>, options?: WritingOptions): ServingGraph;
  /** The executor of a graph. Graphs with equal bytes share a session, which is created on first use. */
  executor(graph: ServingGraph): Promise<Executor<IdRows>>;
  /** Answers rows of any scenarios: each by the graph of its scenario, or by the first one, the joint graph. */
  answering(graphs: readonly ServingGraph[]): Promise<(rows: IdRows) => Promise<Answers>>;
  /** Releases the sessions of all other graphs. */
  keep(graphs: readonly ServingGraph[]): Promise<void>;
  /** Releases all sessions. */
  close(): Promise<void>;
}

/** Serves a model from memory. */
export function createServing(trained: TrainedModel, options: SessionOptions = {}): ServingModel {
  const { data, tensors } = trained;
  const tables = TABLES.flatMap((name): [string, TensorView][] => {
    const table = tensors.get(name);
    return table === undefined ? [] : [[tableFile(name), table]];
  });
  const isLarge = tables.some(([, table]) => table instanceof FileTensor);
  const folder = isLarge ? new TableFolder(tables) : undefined;
  const external = (): Record<string, Uint8Array> =>
    Object.fromEntries(tables.map(([file, { data: numbers }]) => [file, bytesOf(numbers)]));
  const opened = new Map<string, Promise<Executor<IdRows>>>();
  const open = async ({ bytes, outputs }: ServingGraph): Promise<Executor<IdRows>> => {
    const answers = outputs.some(({ name }) => name === 'logits');
    const session =
      folder === undefined
        ? createSession(bytes, { ...options, external: external() })
        : createSession(folder.graph(bytes), { ...options, externalFiles: tables.map(([file]) => file) });
    return idExecutor(await session, data, answers ? data.tasks : []);
  };
  const executor = (graph: ServingGraph): Promise<Executor<IdRows>> => {
    const key = sha256(graph.bytes);
    const known = opened.get(key) ?? open(graph);
    opened.set(key, known);
    return known;
  };
  const keep = async (graphs: readonly ServingGraph[]): Promise<void> => {
    const kept = new Set(graphs.map(({ bytes }) => sha256(bytes)));
    for (const [key, known] of opened) {
      if (kept.has(key)) continue;
      opened.delete(key);
      await (await known).release();
    }
  };
  return {
    trained,
    tensors: servingTensors(trained),
    compile: (outputs, how) => compileServing(trained, outputs, how),
    executor,
    async answering(graphs) {
      const byScenario = new Map<number | undefined, Executor<IdRows>>();
      for (const graph of graphs) byScenario.set(graph.scenario, await executor(graph));
      return (rows) => answer(byScenario, rows, data.tasks);
    },
    keep,
    async close() {
      await keep([]);
      folder?.remove();
    },
  };
}
