/** What a model and an artifact answer, before calibration; and which sessions that takes. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { sha256, sha256File } from '../../src/base/hash.ts';
import type { Answers, Executor } from '../../src/inference/executor.ts';
import type { TrainedModel } from '../../src/inference/model/trained.ts';
import { createArtifactGraphs } from '../../src/inference/serving/artifact.ts';
import { answer, type IdRows } from '../../src/inference/serving/id-rows.ts';
import { createServing } from '../../src/inference/serving/serving-model.ts';
import { createSession } from '../../src/runtime/session.ts';
import type { Artifact } from '../../src/store/artifact/open.ts';

interface Answering {
  answer(rows: IdRows): Promise<Answers>;
  close(): Promise<void>;
}

export async function answeringModel(trained: TrainedModel): Promise<Answering> {
  const serving = createServing(trained, { threads: 1 });
  const full = serving.compile(serving.tensors.outputs);
  return { answer: await serving.answering([full]), close: () => serving.close() };
}

export async function answeringArtifact(artifact: Artifact): Promise<Answering> {
  const graphs = createArtifactGraphs(artifact, createSession, { threads: 1 });
  const executors = new Map<number | undefined, Executor<IdRows>>();
  for (const { scenario, file } of artifact.manifest.graphs) executors.set(scenario, await graphs.of(file));
  return {
    answer: (rows) => answer(executors, rows, artifact.manifest.data.tasks),
    close: () => graphs.close(),
  };
}

/** Hashes of the graphs that became sessions meanwhile, in order. */
export async function sessionsOf(work: () => Promise<unknown>): Promise<string[]> {
  const models: (string | Uint8Array)[] = [];
  const take = (message: unknown): void => void models.push((message as { model: string | Uint8Array }).model);
  subscribe('tributary:session', take);
  try {
    await work();
  } finally {
    unsubscribe('tributary:session', take);
  }
  return Promise.all(models.map((model) => (typeof model === 'string' ? sha256File(model) : sha256(model))));
}
