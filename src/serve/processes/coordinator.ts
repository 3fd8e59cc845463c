/** Carries out what concerns all processes of a service: changes of models, and the sum of their metrics. */
import { error } from '../../base/errors/index.ts';
import type { Family } from '../metrics/metrics.ts';
import type { ArtifactStore } from '../models/artifact-store.ts';
import { type ShownReport, shownReport } from '../models/changes.ts';
import type { Change, Models } from '../models/models.ts';
import type { ModelState } from '../models/served.ts';

/** A requested change: the artifact is not copied yet. */
export type AskedChange =
  | { kind: 'load'; name?: string; path: string; within?: string; force?: boolean }
  | { kind: 'rollback'; name: string; force?: boolean };

/** The result of a change: the new state of the model, and what that means for clients. */
export interface Changed extends ShownReport {
  model: ModelState;
}

export interface Coordinator {
  /** One change at a time. Throws SWAP_RUNNING, and what copyArtifact and Models.prepare throw; then nothing has changed. */
  change(change: AskedChange): Promise<Changed>;
  families(): Promise<Family[]>;
}

/** The coordinator of a service in one process. */
export function localCoordinator(models: Models, families: () => Family[], store: ArtifactStore): Coordinator {
  let isRunning = false;
  return {
    async change(asked) {
      if (isRunning) throw error('SWAP_RUNNING', {});
      isRunning = true;
      try {
        const prepared = await models.prepare(await storedChange(asked, store));
        return { model: prepared.commit(), ...shownReport([prepared.report]) };
      } finally {
        isRunning = false;
      }
    },
    families: async () => families(),
  };
}

/** The change with a private copy of its artifact, which the caller must release. */
export async function storedChange(asked: AskedChange, store: ArtifactStore): Promise<Change> {
  if (asked.kind === 'rollback') return asked;
  const { path, within, ...rest } = asked;
  return { ...rest, artifact: await store.keep(path, within) };
}
