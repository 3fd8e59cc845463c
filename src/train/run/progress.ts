/** Events at the start of a run and between epochs. */

import { sessionOf } from '../../inference/session-of.ts';
import { loadBackend } from '../../runtime/backends.ts';
import { readFlows } from '../../store/run/run-folder.ts';
import { type EpochContext, meanLosses } from '../phases/epoch.ts';
import type { EpochClock } from './clock.ts';
import type { Emit, StartEvent } from './events.ts';
import type { Setup } from './setup.ts';
import { runSize } from './size.ts';

const MILLISECONDS = 250;

/** Values of the tasks, by task name. */
export const byTask = ({ data }: Setup, values: readonly number[]): Record<string, number> =>
  Object.fromEntries(data.manifest.tasks.map((task, i) => [task, values[i]]));

export async function startEvent(run: string, setup: Setup, resumed: boolean): Promise<StartEvent> {
  const { manifest } = setup.data;
  const { splits } = manifest;
  const structure = readFlows(run)?.structure;
  return {
    event: 'start',
    run,
    model: setup.model.key,
    dataset: manifest.name,
    scenarios: manifest.scenarios,
    tasks: manifest.tasks,
    rows: { train: splits.train.rows, validation: splits.validation.rows, test: splits.test.rows },
    denseParameters: setup.denseParameters,
    tableRows: manifest.tableRows,
    embeddingDim: setup.weights.tables.dimension,
    ...(setup.decay && { idDecay: setup.config.train.idDecay as Record<string, number> }),
    device: setup.config.train.device,
    backend: (await loadBackend(sessionOf(setup.config).backend ?? 'auto')).name,
    resumed,
    ...(structure && { structure }),
    size: runSize(setup),
  };
}

/** Reports the progress of an epoch, at most a few times a second. */
export class Progress {
  readonly #emit: Emit;
  #last = 0;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  /** `rows`: rows of an epoch. */
  show({ setup, state, tools }: EpochContext, rows: number, clock: EpochClock, learningRate: number): void {
    const now = performance.now();
    if (now - this.#last < MILLISECONDS) return;
    this.#last = now;
    const { plan, steps } = tools;
    const { epoch, batch } = state;
    const { rowsPerSecond } = clock;
    const rowsLeft = (plan.epochs - epoch) * rows - batch * setup.config.train.batchSize;
    this.#emit({
      event: 'progress',
      phase: plan.phase,
      epoch: epoch + 1,
      epochs: plan.epochs,
      step: batch,
      steps,
      rowsPerSecond,
      etaSeconds: Math.max(0, rowsLeft) / rowsPerSecond,
      losses: byTask(setup, meanLosses(state)),
      learningRate,
    });
  }
}
