/** The graphs of a model as executors. */
import { sha256 } from '../../base/hash.ts';
import type { CompiledGraph } from '../../graph/index.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import { createSession } from '../../runtime/session.ts';
import type { Executor } from '../executor.ts';
import { tableFile } from '../graphs/serving.ts';
import { TABLES, type TrainedModel, tableBytes } from '../model/trained.ts';
import { type IdRows, idExecutor } from './id-rows.ts';

type Bytes = Pick<CompiledGraph, 'bytes' | 'outputs'>;

/** Creates one session per graph, on first use. Graphs with equal bytes share a session. */
export interface Executors {
  of(graph: Bytes): Promise<Executor<IdRows>>;
  /** Releases the sessions of all other graphs. */
  keep(graphs: readonly Bytes[]): Promise<void>;
}

/** Executors of a model's graphs, with tables from memory. `keep([])` releases all sessions. */
export function createExecutors(trained: TrainedModel, options: SessionOptions = {}): Executors {
  const { data, tensors } = trained;
  const tables = TABLES.filter((name) => tensors.has(name));
  const external = Object.fromEntries(tables.map((name) => [tableFile(name), tableBytes(trained, name)]));
  const opened = new Map<string, Promise<Executor<IdRows>>>();
  const open = async ({ bytes, outputs }: Bytes): Promise<Executor<IdRows>> => {
    const answers = outputs.some(({ name }) => name === 'logits');
    return idExecutor(await createSession(bytes, { ...options, external }), data, answers ? data.tasks : []);
  };
  return {
    of(graph) {
      const key = sha256(graph.bytes);
      const known = opened.get(key) ?? open(graph);
      opened.set(key, known);
      return known;
    },
    async keep(graphs) {
      const kept = new Set(graphs.map(({ bytes }) => sha256(bytes)));
      for (const [key, executor] of opened) {
        if (kept.has(key)) continue;
        opened.delete(key);
        await (await executor).release();
      }
    },
  };
}
