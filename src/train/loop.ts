/**
 * The training loop: phases, epochs, steps; validation after each epoch; checkpoints from which a killed run goes on with
 * the bits of an unbroken one. Nothing here depends on the clock except when checkpoints are written and what is shown.
 */
import { type RunLogs, type RunRecord, runPaths } from '../artifact/run-folder.ts';
import type { Batch, SplitReader } from '../data/prepared.ts';
import type { Grid } from '../evaluate/grid.ts';
import { createGrid, gridToJson } from '../evaluate/index.ts';
import type { Emit, InterruptedEvent, ResultEvent, ValidatedEvent } from './events.ts';
import { finishRun } from './finish.ts';
import { type PhaseTools, preparePhase } from './phase-tools.ts';
import { type PhasePlan, planPhases } from './phases.ts';
import { learningRateShare, temperature } from './schedule.ts';
import { evaluateSplit } from './scorer.ts';
import type { Setup } from './setup.ts';
import { type LoopState, restoreSnapshot, saveProgress, saveSnapshot } from './state.ts';
import { groupStep, trainStep } from './step.ts';
import { LOG_VARIANCE } from './weighting/uncertainty.ts';
import { clearMoments, view } from './weights.ts';

const PROGRESS_MILLISECONDS = 250;

export interface TrainingRequest {
  /** A run folder made by createRun. Work goes on from its newest checkpoint, or begins. */
  folder: string;
  /** Go on from this checkpoint instead. */
  from?: string;
  emit: Emit;
  /** Asked after every step; true: write a checkpoint and return. */
  shouldStop: () => boolean;
}

/** What a run consists of once everything is open. */
export interface TrainingParts {
  request: TrainingRequest;
  record: RunRecord;
  setup: Setup;
  state: LoopState;
  logs: RunLogs;
  train: SplitReader;
  validation: SplitReader;
}

export class Training {
  readonly request: TrainingRequest;
  readonly record: RunRecord;
  readonly setup: Setup;
  readonly state: LoopState;
  readonly logs: RunLogs;
  readonly train: SplitReader;
  readonly validation: SplitReader;
  readonly plans: PhasePlan[];
  readonly checkpoints: string;
  #started = performance.now();
  #processorStarted = processorSeconds();
  #lastCheckpoint = performance.now();
  #lastProgress = 0;
  #epoch = { seconds: 0, rowsPerSecond: 0 };

  constructor({ request, record, setup, state, logs, train, validation }: TrainingParts) {
    this.request = request;
    this.record = record;
    this.setup = setup;
    this.state = state;
    this.logs = logs;
    this.train = train;
    this.validation = validation;
    this.plans = planPhases(setup.model, setup.config.train);
    this.checkpoints = runPaths(request.folder).checkpoints;
  }

  announce(resumed: boolean): void {
    const { manifest } = this.setup.data;
    const { splits } = manifest;
    this.request.emit({
      event: 'start',
      run: this.request.folder,
      model: this.setup.model.key,
      dataset: manifest.name,
      scenarios: manifest.scenarios,
      tasks: manifest.tasks,
      rows: { train: splits.train.rows, validation: splits.validation.rows, test: splits.test.rows },
      denseParameters: this.setup.denseParameters,
      tableRows: manifest.tableRows,
      embeddingDim: this.setup.weights.dimension,
      backend: this.setup.config.backend,
      resumed,
    });
  }

  /** To the end: the finished model, measured on the test rows. */
  async run(): Promise<ResultEvent | InterruptedEvent> {
    return (await this.#runPhases(Number.POSITIVE_INFINITY)) ?? this.#finish();
  }

  /** To the end of so many epochs of all phases together, or to where phases end by themselves; not beyond the validation rows. */
  async runTrial(epochs: number): Promise<ValidatedEvent | InterruptedEvent> {
    return (await this.#runPhases(epochs)) ?? this.#validated();
  }

  async #runPhases(epochs: number): Promise<InterruptedEvent | undefined> {
    for (;;) {
      const interrupted = await this.#runPhase(this.plans[this.state.phase], epochs);
      const through = this.state.phase === this.plans.length - 1 || this.#epochsDone() >= epochs;
      if (interrupted !== undefined || through) return interrupted;
      this.#enterNextPhase();
    }
  }

  /** Trains until the phase has ended, so many epochs of the run are done, or a stop is asked for. */
  async #runPhase(plan: PhasePlan, epochs: number): Promise<InterruptedEvent | undefined> {
    const through = (): boolean => this.state.ended || this.#epochsDone() >= epochs;
    if (through()) return undefined;
    const tools = await this.#prepare(plan);
    this.request.emit({ event: 'phase', phase: plan.phase, epochs: plan.epochs, steps: tools.steps });
    try {
      while (!through()) {
        const { epoch, batch } = this.state;
        if (plan.snapshotBefore === epoch && batch === 0)
          saveSnapshot(this.checkpoints, this.setup, this.#position(), 'rewind');
        const stopped = await this.#runEpoch(tools);
        if (stopped) return this.#interrupt();
        await this.#learnFromValidation(tools);
        await this.#endEpoch(tools);
      }
    } finally {
      await tools.release();
    }
    return undefined;
  }

  /** Sessions and, where gates are frozen, the gates of all rows; says how often each flow is kept. */
  async #prepare(plan: PhasePlan): Promise<PhaseTools> {
    const tools = await preparePhase(this.setup, plan, this.train, this.validation, this.state.weighting);
    if (tools.keep !== undefined) this.#tellFlows(tools.keep);
    return tools;
  }

  #tellFlows(keep: NonNullable<LoopState['keep']>): void {
    const { scenarios, tasks } = this.setup.data.manifest;
    const flows = [...(this.setup.model.flowSelection?.flows ?? [])];
    const told = { split: 'train', keep: keep.rates, rows: keep.rows } as const;
    if (this.state.step === 0) this.logs.metrics.append({ kind: 'flows', ...told }); // a resumed phase has told it
    this.state.keep = keep;
    this.request.emit({ event: 'flows', flows, ...told, scenarios, tasks });
  }

  /** The rest of the current epoch. Returns true when a stop was asked for. */
  async #runEpoch({ plan, step, gates, steps }: PhaseTools): Promise<boolean> {
    const { state, setup } = this;
    const { train, seed } = setup.config;
    const { model, options } = setup;
    const total = plan.epochs * steps;
    const fixed = { temperature: this.#temperature(plan) };
    const clock = new EpochClock();
    const batches = this.train.batches({
      batchSize: train.batchSize,
      shuffle: train.shuffle ? { seed, epoch: this.#epochsBefore() + state.epoch } : undefined,
      firstBatch: state.batch,
    });
    for await (const batch of batches) {
      const learningRate = plan.learningRate * learningRateShare(train.schedule, state.step + 1, total);
      const scalars = { ...fixed, ...model.scalars?.(options, { step: state.step, steps: total }) };
      const fillGates = gates && ((rows: Batch, out: Float32Array) => void gates.fill(rows, out));
      const {
        tasks: losses,
        weights,
        penalty,
      } = await trainStep(step, {
        batch,
        step: state.step + 1,
        epoch: state.epoch,
        learningRate,
        scalars,
        fillGates,
      });
      clock.rows += batch.size;
      state.step++;
      state.batch++;
      losses.forEach((loss, task) => {
        if (Number.isNaN(loss)) return;
        state.lossSums[task] += loss;
        state.lossSteps[task]++;
      });
      if (state.step % train.metricsEverySteps === 0)
        this.logs.metrics.append({
          kind: 'step',
          phase: plan.phase,
          step: state.step,
          learningRate,
          losses: this.#named([...losses]),
          taskWeights: this.#named(weights),
          penalty,
        });
      this.#showProgress(plan, steps, clock, learningRate);
      if (this.request.shouldStop()) return true;
      if (performance.now() - this.#lastCheckpoint > train.checkpointMinutes * 60_000) this.#checkpoint();
    }
    this.#epoch = { seconds: clock.seconds, rowsPerSecond: clock.rows / clock.seconds };
    return false;
  }

  /**
   * The step of the epoch that the model's validation group takes, on a batch that (seed, epoch) chooses. Its count is that of
   * the epochs and its moments are among all others, so that a checkpoint holds both.
   */
  async #learnFromValidation({ plan, step, scorer, steps }: PhaseTools): Promise<void> {
    const { state, setup } = this;
    const { model, options, config } = setup;
    const learning = model.validationGroup?.(options);
    if (learning === undefined) return;
    const at = { step: state.step, steps: plan.epochs * steps };
    const scalars = { temperature: this.#temperature(plan), ...model.scalars?.(options, at) };
    const gates = scorer.gates?.source;
    const fillGates = gates && ((rows: Batch, out: Float32Array) => void gates.fill(rows, out));
    const batches = this.validation.batches({
      batchSize: config.train.batchSize,
      shuffle: { seed: config.seed, epoch: this.#epochsBefore() + state.epoch },
    });
    const { group, learningRate } = learning;
    for await (const batch of batches) {
      const { epoch } = state;
      await groupStep(step, group, { batch, step: epoch + 1, epoch, learningRate, scalars, fillGates });
      break; // one batch
    }
  }

  /** Validation, early stopping, logs and the epoch's checkpoint. */
  async #endEpoch({ plan, scorer, step: { weighting } }: PhaseTools): Promise<void> {
    const { state, setup } = this;
    const { train } = setup.config;
    const temperatureNow = this.#temperature(plan);
    const scalars: Record<string, number> = plan.phase === 'search' ? { temperature: temperatureNow } : {};
    const grid = await evaluateSplit({ ...scorer, scalars }, this.validation, this.#newGrid());
    const monitor = monitored(grid, train.monitor);
    const best =
      monitor !== null &&
      (state.best === null || (train.monitor === 'auc' ? monitor > state.best : monitor < state.best));
    const means = this.#meanLosses();
    const losses = this.#named(means);
    const taskWeights = this.#named(weighting.weights());
    weighting.afterEpoch?.(means);
    state.epoch++;
    state.batch = 0;
    state.lossSums.fill(0);
    state.lossSteps.fill(0);
    state.epochs[state.phase] = state.epoch;
    state.epochsSinceBest = best || monitor === null ? 0 : state.epochsSinceBest + 1;
    if (best) state.best = monitor;
    if (best && plan.patience !== undefined) saveSnapshot(this.checkpoints, setup, this.#position(), 'best');
    if (monitor === null)
      this.request.emit({
        event: 'warning',
        message: 'no cell of the validation grid has the monitored metric: early stopping is off for this epoch',
      });
    state.ended =
      state.epoch === plan.epochs || (plan.patience !== undefined && state.epochsSinceBest >= plan.patience);

    this.logs.metrics.append({
      kind: 'epoch',
      phase: plan.phase,
      epoch: state.epoch,
      losses,
      taskWeights,
      monitor,
      best,
      validation: gridToJson(grid),
    });
    this.logs.timings.append({
      phase: plan.phase,
      epoch: state.epoch,
      ...this.#epoch,
      ...this.#used(),
    });
    this.#checkpoint();
    this.request.emit({
      event: 'epoch',
      phase: plan.phase,
      epoch: state.epoch,
      epochs: plan.epochs,
      losses,
      taskWeights,
      validation: grid,
      monitor,
      best,
      temperature: plan.phase === 'search' ? temperatureNow : undefined,
      ...this.#epoch,
    });
  }

  /**
   * From search to retraining: weights go back to the rewind snapshot, the gate network stays as the search left it and
   * reads a frozen copy of the table as the search left it; optimiser and weighting of the tasks start anew.
   */
  #enterNextPhase(): void {
    const { setup, state } = this;
    const { weights, model } = setup;
    weights.gateTable?.view.set(weights.table.view);
    const isGate = (name: string): boolean =>
      name === 'gateEmbedding' || (model.flowSelection?.isGateParameter(name) ?? false);
    restoreSnapshot(this.checkpoints, setup, 'rewind', isGate);
    if (weights.range.has(LOG_VARIANCE)) view(weights, LOG_VARIANCE).fill(0);
    clearMoments(weights);
    Object.assign(state, {
      phase: state.phase + 1,
      epoch: 0,
      batch: 0,
      step: 0,
      weighting: {},
      best: null,
      epochsSinceBest: 0,
      ended: false,
    });
    this.#checkpoint();
  }

  async #finish(): Promise<ResultEvent> {
    const { state, setup } = this;
    if (state.best !== null) restoreSnapshot(this.checkpoints, setup, 'best');
    this.#countTime();
    const epochs = Object.fromEntries(this.plans.map((plan, i) => [plan.phase, state.epochs[i]]));
    const result = await finishRun({
      folder: this.request.folder,
      record: this.record,
      setup,
      state,
      epochs,
      newGrid: () => this.#newGrid(),
    });
    this.logs.metrics.append({ kind: 'result', split: 'test', epochs, test: gridToJson(result.grid) });
    this.logs.timings.append({ seconds: result.seconds });
    this.logs.sync();
    this.request.emit(result);
    return result;
  }

  #validated(): ValidatedEvent {
    const { state, request } = this;
    const ended = state.ended && state.phase === this.plans.length - 1;
    this.#countTime();
    return { event: 'validated', run: request.folder, ended, epochs: this.#epochsDone(), best: state.best, seconds: state.seconds }; // biome-ignore format: one record
  }

  #interrupt(): InterruptedEvent {
    const event: InterruptedEvent = { event: 'interrupted', run: this.request.folder, checkpoint: this.#checkpoint() };
    this.request.emit(event);
    return event;
  }

  #checkpoint(): string {
    const { state, logs } = this;
    logs.sync();
    state.metricsBytes = logs.metrics.bytes;
    state.timingsBytes = logs.timings.bytes;
    this.#countTime();
    const name = saveProgress(this.checkpoints, this.setup, this.#position(), state);
    this.#lastCheckpoint = performance.now();
    this.request.emit({ event: 'checkpoint', path: `${this.checkpoints}/${name}` });
    return name;
  }

  #countTime(): void {
    const now = performance.now();
    const processor = processorSeconds();
    this.state.seconds += (now - this.#started) / 1000;
    this.state.processorSeconds = (this.state.processorSeconds ?? 0) + processor - this.#processorStarted;
    this.#started = now;
    this.#processorStarted = processor;
  }

  /** Wall and processor time of the run so far, and the most memory that this process has held. */
  #used() {
    this.#countTime();
    const { seconds, processorSeconds } = this.state;
    return { totalSeconds: seconds, processorSeconds, peakBytes: process.resourceUsage().maxRSS * 1024 };
  }

  #showProgress(plan: PhasePlan, steps: number, clock: EpochClock, learningRate: number): void {
    const now = performance.now();
    if (now - this.#lastProgress < PROGRESS_MILLISECONDS) return;
    this.#lastProgress = now;
    const { epoch, batch } = this.state;
    const rowsPerSecond = clock.rows / clock.seconds;
    const rowsLeft = (plan.epochs - epoch) * this.train.rows - batch * this.setup.config.train.batchSize;
    this.request.emit({
      event: 'progress',
      phase: plan.phase,
      epoch: epoch + 1,
      epochs: plan.epochs,
      step: batch,
      steps,
      rowsPerSecond,
      etaSeconds: Math.max(0, rowsLeft) / rowsPerSecond,
      losses: this.#named(this.#meanLosses()),
      learningRate,
    });
  }

  #temperature(plan: PhasePlan): number {
    return temperature(this.state.epoch, plan.epochs, this.setup.config.train.finalTemperature);
  }

  #epochsDone(): number {
    return this.state.epochs.reduce((sum, count) => sum + count, 0);
  }

  /** Epochs of earlier phases: each epoch of a run is shuffled in its own way. */
  #epochsBefore(): number {
    return this.state.epochs.slice(0, this.state.phase).reduce((sum, count) => sum + count, 0);
  }

  #position() {
    const { phase, epoch, batch } = this.state;
    return { phase: this.plans[phase].phase, epoch, step: batch };
  }

  #newGrid() {
    const { scenarios, tasks, hasGroup } = this.setup.data.manifest;
    return createGrid({ scenarios, tasks, hasGroup });
  }

  /** Of each task over the steps of this epoch so far. */
  #meanLosses(): number[] {
    return this.state.lossSums.map((sum, task) => sum / this.state.lossSteps[task]);
  }

  #named(values: readonly number[]): Record<string, number> {
    return Object.fromEntries(this.setup.data.manifest.tasks.map((task, i) => [task, values[i]]));
  }
}

/** Of all threads of this process. */
function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Rows and seconds of an epoch, as far as this process ran it. */
class EpochClock {
  rows = 0;
  readonly #start = performance.now();
  get seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }
}

function monitored(grid: Grid, metric: 'auc' | 'logloss'): number | null {
  const value = grid.macro[metric];
  return 'value' in value ? value.value : null;
}
