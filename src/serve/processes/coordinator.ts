/** Carries out what concerns all processes of a service: changes of models, and their numbers added up. */
import { error } from '../../base/errors/index.ts';
import type { Family } from '../metrics/metrics.ts';
import type { ArtifactStore } from '../models/artifact-store.ts';
import { type ShownReport, shownReport } from '../models/changes.ts';
import type { Change, Models } from '../models/models.ts';
import type { ModelState } from '../models/served.ts';

/** A change as it is asked for: the artifact is still where somebody put it. */
export type AskedChange =
  | { kind: 'load'; name?: string; path: string; within?: string; force?: boolean }
  | { kind: 'rollback'; name: string; force?: boolean };

/** How a change went: how the model stands now, and what that means for those who ask. */
export interface Changed extends ShownReport {
  model: ModelState;
}

export interface Coordinator {
  /** One change at a time. Throws SWAP_RUNNING, and what copyArtifact and Models.prepare throw; then everything is as it was. */
  change(change: AskedChange): Promise<Changed>;
  families(): Promise<Family[]>;
}

/** Of a service that is one process. */
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

/** The same change with a private copy of the artifact, held once. */
export async function storedChange(asked: AskedChange, store: ArtifactStore): Promise<Change> {
  if (asked.kind === 'rollback') return asked;
  const { path, within, ...rest } = asked;
  return { ...rest, artifact: await store.keep(path, within) };
}
