/** The graphs of an artifact as sessions: those that answer requests at once, the joint one for bare tensors when first asked. */

import type { RunningSession, SessionOptions, Value } from '../../runtime/contract.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import type { Artifact } from '../../store/artifact/open.ts';
import type { Outputs, Rows } from './contract.ts';
import { type BatchingOptions, createGraphRunner, rowFeeds, type Waiting } from './graph-runner.ts';

export interface Graphs {
  /** Rows of one scenario (its index). */
  run(scenario: number, rows: Rows): Promise<Outputs>;
  /** Flow gates [size, flows * T] of rows of one scenario, 1 for a flow taken away; undefined where the artifact has none. */
  gates(scenario: number, rows: Rows): Promise<Float32Array | undefined>;
  /** The joint graph on its own tensors. */
  infer(feeds: Record<string, Value>): Promise<Record<string, Value>>;
  close(): Promise<void>;
}

/** createSession of runtime/session.ts, or that of a thread of its own. */
export type CreateSession = (model: string, options: SessionOptions) => Promise<RunningSession>;

export interface GraphsOptions {
  threads: number;
  backend?: SessionOptions['backend'];
  createSession: CreateSession;
  batching: BatchingOptions;
  onBatch: Waiting['onBatch'];
}

type Runner = ReturnType<typeof createGraphRunner>;

/** Files of the tables that a graph reads. */
function tableFiles({ graphs, flows, tables }: ArtifactManifest, file: string): string[] {
  const read = [...graphs, ...(flows === undefined ? [] : [flows])].find((graph) => graph.file === file)?.tables ?? [];
  return tables.filter(({ name }) => read.includes(name)).map((table) => table.file);
}

export async function createGraphs(artifact: Artifact, options: GraphsOptions): Promise<Graphs> {
  const { graphs, data } = artifact.manifest;
  const { sequences, tasks, fields } = data;
  const shape = {
    slots: fields.reduce((sum, field) => sum + field.slots, 0),
    ...(sequences && { sequences: [sequences.types.length, sequences.length] as const }),
    tasks,
  };
  const { threads, backend } = options;
  const openSession = (file: string): Promise<RunningSession> =>
    options.createSession(artifact.path(file), {
      threads,
      backend,
      externalFiles: tableFiles(artifact.manifest, file),
    });
  const opened = new Map<string, Promise<Runner>>();
  const open = (file: string): Promise<Runner> => {
    let runner = opened.get(file);
    if (runner === undefined) {
      runner = openSession(file).then((session) =>
        createGraphRunner(session, shape, options.batching, options.onBatch),
      );
      opened.set(file, runner);
    }
    return runner;
  };

  let flows: Promise<RunningSession> | undefined;
  const openFlows = (file: string): Promise<RunningSession> => {
    flows ??= openSession(file);
    return flows;
  };

  const joint = graphs[0].file;
  const fileOf = (scenario: number): string => graphs.find((graph) => graph.scenario === scenario)?.file ?? joint;
  const runs = await Promise.all(data.scenarios.map(async (_, s) => (await open(fileOf(s))).forScenario(s)));
  return {
    run: (scenario, rows) => runs[scenario](rows),
    async gates(scenario, rows) {
      const file = artifact.manifest.flows?.file;
      if (file === undefined) return undefined;
      const session = await openFlows(file);
      const outputs = await session.run(rowFeeds(session, shape, rows, new Int32Array(rows.size).fill(scenario)));
      return outputs.gates.data as Float32Array;
    },
    infer: async (feeds) => (await open(joint)).run(feeds),
    async close() {
      for (const runner of opened.values()) await (await runner).release();
      await (await flows)?.release();
    },
  };
}
