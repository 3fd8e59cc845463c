/** The graphs of an artifact: those that answer requests are opened at once, the joint one for bare tensors when first asked. */
import type { Answers } from '../../inference/executor.ts';
import { type CreateSession, createArtifactGraphs } from '../../inference/serving/artifact.ts';
import type { SessionOptions, Value } from '../../runtime/contract.ts';
import type { Artifact } from '../../store/artifact/open.ts';
import type { Rows } from './contract.ts';
import { type BatchingOptions, createGraphRunner, type GraphRunner, type Waiting } from './graph-runner.ts';

export interface Graphs {
  /** Rows of one scenario (its index). */
  run(scenario: number, rows: Rows): Promise<Answers>;
  /** Flow gates [size, flows * T] of rows of one scenario, 1 for a flow taken away; undefined where the artifact has none. */
  gates(scenario: number, rows: Rows): Promise<Float32Array | undefined>;
  /** The joint graph on its own tensors. */
  infer(feeds: Record<string, Value>): Promise<Record<string, Value>>;
  close(): Promise<void>;
}

export interface GraphsOptions {
  threads: number;
  backend?: SessionOptions['backend'];
  createSession: CreateSession;
  batching: BatchingOptions;
  onBatch: Waiting['onBatch'];
}

/** Answers are not checked here: a row without a finite score fails its own request, and no other of its batch. */
export async function createGraphs(artifact: Artifact, options: GraphsOptions): Promise<Graphs> {
  const { graphs, flows, data } = artifact.manifest;
  const { threads, backend, createSession, batching, onBatch } = options;
  const files = createArtifactGraphs(artifact, createSession, { threads, backend });
  const joint = graphs[0].file;
  const fileOf = (scenario: number): string => graphs.find((graph) => graph.scenario === scenario)?.file ?? joint;
  const runners = new Map<string, GraphRunner>();
  const answering = [...new Set(data.scenarios.map((_, s) => fileOf(s)))];
  await Promise.all(
    answering.map(async (file) =>
      runners.set(file, createGraphRunner(await files.of(file), data.tasks, batching, onBatch)),
    ),
  );
  const runs = data.scenarios.map((_, s) => (runners.get(fileOf(s)) as GraphRunner).forScenario(s));
  return {
    run: (scenario, rows) => runs[scenario](rows),
    async gates(scenario, rows) {
      if (flows === undefined) return undefined;
      const executor = await files.of(flows.file);
      const { gates } = await executor.run({ ...rows, scenario: new Int32Array(rows.size).fill(scenario) });
      return gates.data as Float32Array;
    },
    async infer({ ids, scenario, sequences }) {
      const executor = await files.of(joint);
      const [size] = ids.shape;
      const int32 = ({ data: numbers }: Value): Int32Array => numbers as Int32Array;
      return executor.run({
        size,
        ids: int32(ids),
        scenario: scenario === undefined ? new Int32Array(size) : int32(scenario),
        ...(sequences && { sequences: int32(sequences) }),
      });
    },
    close: () => files.close(),
  };
}
