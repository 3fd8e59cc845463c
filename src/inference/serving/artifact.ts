/** The graphs of an artifact as executors. A server loads this file and none that knows models or how graphs are made. */
import type { RunningSession, SessionOptions } from '../../runtime/contract.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import type { Artifact } from '../../store/artifact/open.ts';
import type { Executor } from '../executor.ts';
import { type IdRows, idExecutor } from './id-rows.ts';

/** createSession of runtime/session.ts, or that of a thread of its own. */
export type CreateSession = (model: string, options: SessionOptions) => Promise<RunningSession>;

export interface ArtifactGraphs {
  /** The executor of one of the artifact's graph files, which becomes a session when it is first asked for. */
  of(file: string): Promise<Executor<IdRows>>;
  close(): Promise<void>;
}

/** `tasks`: those whose answers must be finite. Default: none, for who looks at each answer itself. */
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
