/** The graphs of an artifact as executors. A server loads this file, but no code of models or for building graphs. */
import type { RunningSession, SessionOptions } from '../../runtime/contract.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import type { Artifact } from '../../store/artifact/open.ts';
import type { Executor } from '../executor.ts';
import { type IdRows, idExecutor } from './id-rows.ts';

/** createSession of runtime/session.ts, or one that runs sessions in a separate thread. */
export type CreateSession = (model: string, options: SessionOptions) => Promise<RunningSession>;

export interface ArtifactGraphs {
  /** The executor of a graph file of the artifact. The session is created on first use. */
  of(file: string): Promise<Executor<IdRows>>;
  close(): Promise<void>;
}

/** `tasks`: those whose outputs must be finite. Default: none, for callers that check the outputs. */
export function createArtifactGraphs(
  { manifest, path }: Pick<Artifact, 'manifest' | 'path'>,
  createSession: CreateSession,
  options: SessionOptions,
  tasks: readonly string[] = [],
): ArtifactGraphs {
  const opened = new Map<string, Promise<Executor<IdRows>>>();
  const open = async (file: string): Promise<Executor<IdRows>> =>
    idExecutor(
      await createSession(path(file), { ...options, externalFiles: tableFiles(manifest, file) }),
      manifest.data,
      tasks,
    );
  return {
    of(file) {
      const known = opened.get(file) ?? open(file);
      opened.set(file, known);
      return known;
    },
    async close() {
      for (const executor of opened.values()) await (await executor).release();
    },
  };
}

/** Files of the tables that a graph reads. */
function tableFiles({ graphs, flows, tables }: ArtifactManifest, file: string): string[] {
  const read = [...graphs, ...(flows === undefined ? [] : [flows])].find((graph) => graph.file === file)?.tables ?? [];
  return tables.filter(({ name }) => read.includes(name)).map((table) => table.file);
}
