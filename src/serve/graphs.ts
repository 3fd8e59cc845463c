/** The graphs of an artifact as sessions: those that answer requests at once, the joint one for bare tensors when first asked. */
import type { Artifact } from '../artifact/open.ts';
import type { SessionOptions, Value } from '../runtime/contract.ts';
import { createSession } from '../runtime/session.ts';
import type { Outputs, Rows } from './contract.ts';
import { type BatchingOptions, createGraphRunner, type Waiting } from './graph-runner.ts';

export interface Graphs {
  /** Rows of one scenario (its index). Throws SERVER_BUSY. */
  run(scenario: number, rows: Rows): Promise<Outputs>;
  /** The joint graph on its own tensors. */
  infer(feeds: Record<string, Value>): Promise<Record<string, Value>>;
  close(): Promise<void>;
}

export interface GraphsOptions {
  threads: number;
  backend?: SessionOptions['backend'];
  batching: BatchingOptions;
  waiting: Waiting;
}

type Runner = ReturnType<typeof createGraphRunner>;

export async function createGraphs(artifact: Artifact, options: GraphsOptions): Promise<Graphs> {
  const { graphs, data } = artifact.manifest;
  const { sequences, tasks, fields } = data;
  const shape = {
    slots: fields.reduce((sum, field) => sum + field.slots, 0),
    ...(sequences && { sequences: [sequences.types.length, sequences.length] as const }),
    tasks,
  };
  const opened = new Map<string, Promise<Runner>>();
  const open = (file: string): Promise<Runner> => {
    let runner = opened.get(file);
    if (runner === undefined) {
      runner = createSession(artifact.path(file), { threads: options.threads, backend: options.backend }).then(
        (session) => createGraphRunner(session, shape, options.batching, options.waiting),
      );
      opened.set(file, runner);
    }
    return runner;
  };

  const joint = graphs[0].file;
  const fileOf = (scenario: number): string => graphs.find((graph) => graph.scenario === scenario)?.file ?? joint;
  const runs = await Promise.all(data.scenarios.map(async (_, s) => (await open(fileOf(s))).forScenario(s)));
  return {
    run: (scenario, rows) => runs[scenario](rows),
    infer: async (feeds) => (await open(joint)).run(feeds),
    async close() {
      for (const runner of opened.values()) await (await runner).release();
    },
  };
}
