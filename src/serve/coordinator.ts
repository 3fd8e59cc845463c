/** Carries out what concerns all processes of a service: changes of models, and their numbers added up. */
import { error } from '../base/errors/index.ts';
import type { Family } from './metrics/metrics.ts';
import type { Change, ModelState, Models } from './models.ts';

export interface Coordinator {
  /** One change at a time. Throws SWAP_RUNNING, and what Models.prepare throws; then everything is as it was. */
  change(change: Change): Promise<ModelState>;
  families(): Promise<Family[]>;
}

/** Of a service that is one process. */
export function localCoordinator(models: Models, families: () => Family[]): Coordinator {
  let isRunning = false;
  return {
    async change(change) {
      if (isRunning) throw error('SWAP_RUNNING', {});
      isRunning = true;
      try {
        return (await models.prepare(change)).commit();
      } finally {
        isRunning = false;
      }
    },
    families: async () => families(),
  };
}
