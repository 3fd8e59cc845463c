/**
 * The training loop: phases, epochs, steps; validation after each epoch; checkpoints from which a killed run continues with
 * the bits of an uninterrupted one. Only the times of checkpoints and the progress display depend on the clock.
 */

import type { Collective } from '../../comm/contract.ts';
import type { SplitReader } from '../../data/prepared/prepared.ts';
import type { Grid } from '../../evaluate/index.ts';
import { type GateSums, noGates } from '../../inference/gates.ts';
import { recordFinished } from '../../store/run/finished-run.ts';
import { markOf, type RunLogs, type RunRecord, runPaths } from '../../store/run/run-folder.ts';
import type { MemoryLimits } from '../../tables/open.ts';
import { evaluateSplit, newGrid } from '../evaluate-split.ts';
import { endEpoch, judge, type Verdict } from '../phases/early-stopping.ts';
import {
  averages,
  type EpochContext,
  learnFromValidation,
  meanLosses,
  scalarsHere,
  trainingSteps,
} from '../phases/epoch.ts';
import { enterNextPhase } from '../phases/phase-change.ts';
import { type PhaseTools, preparePhase } from '../phases/phase-tools.ts';
import { type PhasePlan, planPhases } from '../phases/phases.ts';
import { asBreakdown, checkTogether, checkWeights, notFinite, type Place } from '../step/finite.ts';
import { EpochClock, RunClock } from './clock.ts';
import type { Emit, InterruptedEvent, ResultEvent, ValidatedEvent } from './events.ts';
import { finishRun, helpFinish } from './finish.ts';
import { byTask, Journal, type Pace } from './journal.ts';
import type { Setup } from './setup.ts';
import { type LoopState, restoreSnapshot, saveProgress, saveSnapshot } from './state.ts';

export interface TrainingRequest {
  /** A run folder made by createRun. Training continues from its newest checkpoint, or starts. */
  folder: string;
  /** Continue from this checkpoint instead. */
  from?: string;
  /** Folder of the prepared data set, if it is not the one that the run recorded. */
  data?: string;
  emit: Emit;
  /** How large memories may be. Default: as the machine allows. */
  limits?: MemoryLimits;
  /** Called after every step; true: write a checkpoint and return. Over ranks, all stop if one of them should. */
  shouldStop: () => boolean;
  /** The ranks that train together. Rank 0 writes the folder. Default: this one alone. */
  ranks?: Collective;
}

/** How far a trial goes, over all phases. Default: to the end. */
export interface TrialLimit {
  epochs?: number;
  /** A trial that this stops within an epoch is validated there. */
  steps?: number;
}

/** The parts of an open run. */
export interface TrainingParts {
  request: TrainingRequest;
  record: RunRecord;
  setup: Setup;
  state: LoopState;
  logs: RunLogs;
  train: SplitReader;
  validation: SplitReader;
}

/** A validation and its verdict. */
interface Validated extends Verdict {
  grid: Grid;
  /** What gates let through. */
  gates: GateSums;
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
  readonly #clock: RunClock;
  readonly #journal: Journal;
  #lastCheckpoint = performance.now();
  #learningRate: number | undefined;

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
    this.#clock = new RunClock(state);
    this.#journal = new Journal(request.folder, { setup, state, logs, emit: request.emit });
  }

  async announce(resumed: boolean): Promise<void> {
    await this.#journal.start(resumed);
  }

  /** Trains to the end: gives the finished model, measured on the test rows. */
  async run(): Promise<ResultEvent | InterruptedEvent> {
    return (await this.#runPhases({})) ?? this.#finish();
  }

  /** Trains as a rank that writes nothing. Rank 0 measures the model, with the others where each has a part of the tables. */
  async follow(): Promise<void> {
    const interrupted = await this.#runPhases({});
    if (interrupted !== undefined || this.setup.weights.tables.shards === undefined) return;
    await this.#takeBest();
    await helpFinish(this.setup);
  }

  /** Trains up to a limit; never reads test rows. */
  async runTrial(limit: TrialLimit): Promise<ValidatedEvent | InterruptedEvent> {
    return (await this.#runPhases(limit)) ?? this.#validated();
  }

  async #runPhases(limit: TrialLimit): Promise<InterruptedEvent | undefined> {
    for (;;) {
      const interrupted = await this.#runPhase(this.plans[this.state.phase], limit);
      const through = this.state.phase === this.plans.length - 1 || this.#hasReached(limit);
      if (interrupted !== undefined || through) return interrupted;
      await enterNextPhase(this.setup, this.state, this.checkpoints);
      await this.#checkpoint();
    }
  }

  /** Trains until the phase ends, the limit is reached, or a stop is requested. */
  async #runPhase(plan: PhasePlan, limit: TrialLimit): Promise<InterruptedEvent | undefined> {
    const through = (): boolean => this.state.ended || this.#hasReached(limit);
    if (through()) return undefined;
    const tools = await this.#prepare(plan);
    this.#journal.phase(tools);
    if (this.state.step === 0) this.setup.average?.reset();
    try {
      await this.#measureStart({ setup: this.setup, state: this.state, tools });
      while (!through()) {
        const { epoch, batch } = this.state;
        if (plan.snapshotBefore === epoch && batch === 0) {
          await this.#checkFinite();
          await saveSnapshot(this.checkpoints, this.setup, this.#position(), 'rewind');
        }
        const context = { setup: this.setup, state: this.state, tools };
        const clock = new EpochClock();
        const stopped = await this.#runEpoch(context, clock, limit);
        if (stopped === 'interrupted') return await this.#interrupt();
        if (stopped === 'limit') {
          await this.#checkpoint();
          return undefined;
        }
        const { seconds, rowsPerSecond } = clock;
        if (stopped === undefined) await learnFromValidation(context, this.validation);
        const validated = stopped ?? (await this.#validate(context));
        await this.#endEpoch(context, validated, { seconds, rowsPerSecond });
      }
    } finally {
      await tools.release();
    }
    return undefined;
  }

  /** For a warm start: the validation score of its initial weights. */
  async #measureStart(context: EpochContext): Promise<void> {
    const { warmStart, evaluate } = this.setup.config;
    const { phase, step, epoch } = this.state;
    if (warmStart === undefined || phase > 0 || epoch > 0 || step > 0) return;
    const grid = newGrid(this.setup.data.manifest, evaluate);
    const scalars = scalarsHere(context);
    const { ranks } = this.setup;
    const validation = await this.#sound(
      evaluateSplit(context.tools.scorer, this.validation, grid, { scalars, ranks }),
    );
    this.#journal.startWeights(warmStart, validation);
  }

  /** Sessions and, if gates are frozen, the gates of all rows; reports keep-rates. */
  async #prepare(plan: PhasePlan): Promise<PhaseTools> {
    const { setup, train, validation, state } = this;
    const tools = await this.#sound(preparePhase(setup, plan, train, validation, state.weighting));
    if (tools.keep === undefined) return tools;
    state.keep = tools.keep;
    this.#journal.flows(tools.keep);
    return tools;
  }

  /** Runs the rest of the current epoch. Returns the validation that ended the phase within it. */
  async #runEpoch(
    context: EpochContext,
    clock: EpochClock,
    limit: TrialLimit,
  ): Promise<Validated | 'interrupted' | 'limit' | undefined> {
    const { metricsEverySteps } = this.setup.config.train;
    const { steps } = context.tools;
    for await (const report of trainingSteps(context, this.train)) {
      clock.rows += report.rows;
      this.#learningRate = report.learningRate;
      if (this.state.step % metricsEverySteps === 0) this.#journal.step(context.tools, report);
      this.#journal.progress(context, this.train.rows, clock, report.learningRate);
      const isLast = this.state.batch < steps && this.#hasReached(limit);
      if (this.#isDue(context.tools) || isLast) {
        const validated = await this.#validate(context);
        if (this.state.ended) return validated;
        this.#journal.validation(context.tools, validated);
      }
      if (isLast) return 'limit';
      const { stop, save } = await this.#agree();
      if (stop) return 'interrupted';
      if (save) await this.#checkpoint();
    }
    return undefined;
  }

  /** Is a stop requested, and is a checkpoint due? Ranks do both after the same step: clocks and signals differ between them. */
  async #agree(): Promise<{ stop: boolean; save: boolean }> {
    const { ranks, config } = this.setup;
    const save = performance.now() - this.#lastCheckpoint > config.train.checkpointMinutes * 60_000;
    const wanted = Int32Array.of(Number(this.request.shouldStop()), Number(save));
    await ranks.allReduce(wanted, 'max');
    return { stop: wanted[0] === 1, save: wanted[1] === 1 };
  }

  /** Is a validation due within the epoch? The one at its end is always. */
  #isDue({ steps }: PhaseTools): boolean {
    const { validationsPerEpoch } = this.setup.config.train;
    const { batch } = this.state;
    const done = (batches: number): number => Math.floor((batches * validationsPerEpoch) / steps);
    return batch < steps && done(batch) > done(batch - 1);
  }

  /** Validation and early stopping, by the average of the weights if the run keeps one. */
  async #validate(context: EpochContext): Promise<Validated> {
    const { state, setup } = this;
    const { plan, scorer } = context.tools;
    this.#clock.count('steps');
    const average = averages(context) ? setup.average : undefined;
    setup.decay?.settleAll();
    await this.#checkFinite();
    average?.swap();
    const gates = noGates(setup.data.manifest.scenarios.length);
    const grid = await this.#sound(
      evaluateSplit(scorer, this.validation, newGrid(setup.data.manifest, setup.config.evaluate), {
        gates,
        scalars: scalarsHere(context),
        ranks: setup.ranks,
      }),
    );
    const verdict = judge(state, plan, grid, setup.config.train.monitor);
    if (verdict.best && plan.patience !== undefined)
      await saveSnapshot(this.checkpoints, setup, this.#position(context.tools), 'best');
    average?.swap();
    this.#clock.count('validation');
    const validated = { grid, gates, ...verdict };
    this.#journal.warn(validated);
    return validated;
  }

  /** Logs and the epoch's checkpoint. `pace`: how long its steps took. */
  async #endEpoch(context: EpochContext, { grid, gates, monitor }: Validated, pace: Pace): Promise<void> {
    const { state, setup } = this;
    const { tools } = context;
    const { plan, step } = tools;
    const { temperature } = scalarsHere(context);
    const means = meanLosses(state);
    const losses = byTask(setup, means);
    const taskWeights = byTask(setup, step.weighting.weights());
    step.weighting.afterEpoch?.(means);
    if (!step.weighting.weights().every(Number.isFinite)) throw notFinite('a weight of the tasks', this.#place());
    const best = (state.bestStep ?? 0) > state.step - state.batch;
    endEpoch(state, plan);

    const ofSearch = { temperature: plan.phase === 'search' ? temperature : undefined };
    const end = { validation: grid, monitor, best, gates, losses, taskWeights, ...ofSearch };
    this.#journal.logEpoch(tools, end, pace, this.#clock.used());
    await this.#checkpoint();
    this.#journal.epoch(tools, end, pace);
  }

  async #finish(): Promise<ResultEvent> {
    const { state, setup } = this;
    await this.#takeBest();
    this.#clock.count('checkpoints');
    const epochs = Object.fromEntries(this.plans.map((plan, i) => [plan.phase, state.epochs[i]]));
    const { folder } = this.request;
    const result = await this.#sound(finishRun({ folder, record: this.record, setup, state, epochs }));
    this.#journal.logResult(result);
    recordFinished(folder, markOf(this.record));
    this.request.emit(result);
    return result;
  }

  /** The weights of the finished model. */
  async #takeBest(): Promise<void> {
    if (this.state.best !== null) await restoreSnapshot(this.checkpoints, this.setup, 'best');
    else this.setup.average?.swap();
    this.setup.average?.release(); // the finished model is read back beside the tables
  }

  #validated(): ValidatedEvent {
    const { state, request } = this;
    const ended = state.ended && state.phase === this.plans.length - 1;
    this.#clock.count('steps');
    const { best, seconds } = state;
    return { event: 'validated', run: request.folder, ended, epochs: this.#epochsDone(), best, seconds };
  }

  async #interrupt(): Promise<InterruptedEvent> {
    const checkpoint = await this.#checkpoint();
    const event: InterruptedEvent = { event: 'interrupted', run: this.request.folder, checkpoint };
    this.request.emit(event);
    return event;
  }

  /** Throws LOSS_NOT_FINITE, so numbers that are not finite never reach a checkpoint. */
  async #checkFinite(): Promise<void> {
    const { kernels, weights, data, ranks } = this.setup;
    await checkTogether(weights.tables.shards && ranks, this.#place(), () =>
      checkWeights(kernels, weights, data.manifest.fields, this.#place()),
    );
  }

  /** Computes a result of the current weights. Throws LOSS_NOT_FINITE if a prediction is not finite. */
  async #sound<T>(result: Promise<T>): Promise<T> {
    try {
      return await result;
    } catch (cause) {
      throw asBreakdown(cause, this.#place());
    }
  }

  #place(): Place {
    const { phase, epoch, batch, step } = this.state;
    const learningRate = this.#learningRate;
    // Between epochs this is the epoch that has just ended.
    return { phase: this.plans[phase].phase, epoch: batch === 0 ? epoch : epoch + 1, step, learningRate };
  }

  async #checkpoint(): Promise<string> {
    await this.#checkFinite();
    const { state, logs } = this;
    logs.sync();
    state.metricsBytes = logs.metrics.bytes;
    state.timingsBytes = logs.timings.bytes;
    state.metricsSha256 = logs.metrics.sha256;
    state.timingsSha256 = logs.timings.sha256;
    this.#clock.count('steps');
    const name = await saveProgress(this.checkpoints, this.setup, this.#position(), state);
    this.#clock.count('checkpoints');
    this.#lastCheckpoint = performance.now();
    this.#journal.checkpoint(`${this.checkpoints}/${name}`);
    return name;
  }

  #epochsDone(): number {
    return this.state.epochs.reduce((sum, count) => sum + count, 0);
  }

  #hasReached({ epochs = Number.POSITIVE_INFINITY, steps = Number.POSITIVE_INFINITY }: TrialLimit): boolean {
    const { state, setup, train } = this;
    const ofEpoch = Math.ceil(train.rows / setup.config.train.batchSize);
    const before = state.epochs.slice(0, state.phase).reduce((sum, count) => sum + count * ofEpoch, 0);
    return this.#epochsDone() >= epochs || before + state.step >= steps;
  }

  /** After the last of the `steps` of an epoch: the start of the next one. */
  #position({ steps }: { steps?: number } = {}) {
    const { phase, epoch, batch } = this.state;
    const ended = batch === steps;
    return { phase: this.plans[phase].phase, epoch: ended ? epoch + 1 : epoch, step: ended ? 0 : batch };
  }
}
