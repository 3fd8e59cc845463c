/** What a training tells: lines of its logs, and events for whoever shows it. */
import { gridToJson } from '../../documents/grid.ts';
import { type Grid, numberOf, ruleText } from '../../evaluate/index.ts';
import { type GateSums, meanGates } from '../../inference/gates.ts';
import { sessionOf } from '../../inference/session-of.ts';
import { loadBackend } from '../../runtime/backends.ts';
import { type RunLogs, readFlows } from '../../store/run/run-folder.ts';
import { type EpochContext, meanLosses, type StepReport } from '../phases/epoch.ts';
import type { PhaseTools } from '../phases/phase-tools.ts';
import type { EpochClock } from './clock.ts';
import type { Emit, ResultEvent, StartEvent } from './events.ts';
import type { Setup } from './setup.ts';
import { runSize } from './size.ts';
import type { LoopState } from './state.ts';

/** Progress is told at most so often, in ms. */
const MILLISECONDS = 250;

/** A validation of the current weights. */
export interface Validation {
  grid: Grid;
  /** The value that early stopping watches; null where it is undefined. */
  monitor: number | null;
  best: boolean;
}

/** An epoch that has ended. */
export interface EpochEnd {
  validation: Grid;
  monitor: number | null;
  /** Was a validation of this epoch the best of its phase so far? */
  best: boolean;
  /** What gates let through. */
  gates: GateSums;
  /** By task. */
  losses: Record<string, number>;
  taskWeights: Record<string, number>;
  /** Of soft gates, while they are searched. */
  temperature: number | undefined;
}

/** How long the steps of an epoch took. */
export interface Pace {
  seconds: number;
  rowsPerSecond: number;
}

export class Journal {
  readonly #run: string;
  readonly #setup: Setup;
  readonly #state: LoopState;
  readonly #logs: RunLogs;
  readonly #emit: Emit;
  #lastProgress = 0;
  #warned = false;

  constructor(
    run: string,
    { setup, state, logs, emit }: { setup: Setup; state: LoopState; logs: RunLogs; emit: Emit },
  ) {
    this.#run = run;
    this.#setup = setup;
    this.#state = state;
    this.#logs = logs;
    this.#emit = emit;
  }

  async start(resumed: boolean): Promise<void> {
    this.#emit(await startEvent(this.#run, this.#setup, resumed));
  }

  phase({ plan, steps }: PhaseTools): void {
    this.#emit({ event: 'phase', phase: plan.phase, epochs: plan.epochs, steps });
  }

  /** Of a warm start: its weights before any step. */
  startWeights(warmStart: string, validation: Grid): void {
    const monitor = numberOf(validation.macro[this.#setup.config.train.monitor]);
    this.#logs.metrics.append({ kind: 'startWeights', version: 1, monitor, validation: gridToJson(validation) });
    this.#emit({ event: 'startWeights', warmStart, validation, monitor });
  }

  /** How often each flow is kept, at the start of a phase with frozen gates. */
  flows(keep: NonNullable<PhaseTools['keep']>): void {
    const { scenarios, tasks } = this.#setup.data.manifest;
    const flows = [...(this.#setup.model.flowSelection?.flows ?? [])];
    const reported = { split: 'train', keep: keep.rates, rows: keep.rows } as const;
    if (this.#state.step === 0) this.#logs.metrics.append({ kind: 'flows', version: 1, ...reported }); // a resumed phase has logged it
    this.#emit({ event: 'flows', flows, ...reported, scenarios, tasks });
  }

  step({ plan }: PhaseTools, { learningRate, tasks, weights, penalty }: StepReport): void {
    this.#logs.metrics.append({
      kind: 'step',
      version: 1,
      phase: plan.phase,
      step: this.#state.step,
      learningRate,
      losses: byTask(this.#setup, [...tasks]),
      taskWeights: byTask(this.#setup, weights),
      penalty,
    });
  }

  /** The progress of an epoch of `rows` rows, at most a few times a second. */
  progress({ setup, state, tools }: EpochContext, rows: number, clock: EpochClock, learningRate: number): void {
    const now = performance.now();
    if (now - this.#lastProgress < MILLISECONDS) return;
    this.#lastProgress = now;
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

  /** A validation within an epoch. */
  validation({ plan: { phase } }: PhaseTools, { grid, monitor, best }: Validation): void {
    const { step } = this.#state;
    const validation = gridToJson(grid);
    this.#logs.metrics.append({ kind: 'validation', version: 1, phase, step, monitor, best, validation });
    this.#emit({ event: 'validation', phase, step, validation: grid, monitor, best });
  }

  /** The end of an epoch in the logs; its checkpoint comes before `epoch`. `used`: time of the run so far. */
  logEpoch({ plan: { phase } }: PhaseTools, end: EpochEnd, pace: Pace, used: object): void {
    const { validation, monitor, best, losses, taskWeights, temperature } = end;
    const { epoch } = this.#state;
    const gates = meanGates(end.gates);
    this.#logs.metrics.append({
      kind: 'epoch',
      version: 1,
      phase,
      epoch,
      losses,
      taskWeights,
      monitor,
      best,
      validation: gridToJson(validation),
      ...(temperature !== undefined && { temperature }),
      ...(gates && { gates }),
    });
    this.#logs.timings.append({ phase, epoch, ...pace, ...used });
  }

  epoch({ plan: { phase, epochs } }: PhaseTools, { gates: _, ...end }: EpochEnd, pace: Pace): void {
    const { epoch, step, bestStep } = this.#state;
    this.#emit({ event: 'epoch', phase, epoch, epochs, ...end, step, ...(end.best && { bestStep }), ...pace });
  }

  /** Warns if early stopping cannot monitor what it should. */
  warn({ grid, monitor }: Validation): void {
    const warn = (message: string): void => this.#emit({ event: 'warning', message });
    if (grid.means.fallback && !this.#warned)
      warn(
        `the validation rows have no ${ruleText({ ...grid.means, weights: 'equal' })}: early stopping watches the mean of all cells, which few rows move`,
      );
    this.#warned = true;
    if (monitor === null)
      warn('no cell of the validation grid has the monitored metric: early stopping is off for this epoch');
  }

  checkpoint(path: string): void {
    this.#emit({ event: 'checkpoint', path });
  }

  /** The end of the run in the logs; it counts as finished before `result`. */
  logResult({ epochs, grid, seconds }: ResultEvent): void {
    const { parts } = this.#state;
    this.#logs.metrics.append({ kind: 'result', version: 1, split: 'test', epochs, test: gridToJson(grid) });
    this.#logs.timings.append({ seconds, ...(parts && { parts }) });
    this.#logs.sync();
  }
}

/** Values of the tasks, by task name. */
export const byTask = ({ data }: Setup, values: readonly number[]): Record<string, number> =>
  Object.fromEntries(data.manifest.tasks.map((task, i) => [task, values[i]]));

async function startEvent(run: string, setup: Setup, resumed: boolean): Promise<StartEvent> {
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
    ...(setup.placement && { ranks: setup.placement }),
    ...(structure && { structure }),
    size: runSize(setup),
  };
}
