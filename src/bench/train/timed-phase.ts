/** One phase of training on one table: its steps, how long they took, and what took the time. */
import { availableParallelism } from 'node:os';
import type { Batch, PreparedData } from '../../data/prepared/prepared.ts';
import { multiplyAdds, type Product } from '../../graph/index.ts';
import type { GateSource } from '../../inference/arena/gates.ts';
import { sessionOf } from '../../inference/session-of.ts';
import type { Phase } from '../../model/contract.ts';
import type { Session, SessionOptions } from '../../runtime/contract.ts';
import { createSession } from '../../runtime/session.ts';
import { freezeTable } from '../../tables/open.ts';
import { gatesOf } from '../../train/phases/phase-tools.ts';
import type { PhasePlan } from '../../train/phases/phases.ts';
import { type Setup, stepContext } from '../../train/run/setup.ts';
import { stepExecutor } from '../../train/step/executor.ts';
import { type TrainingGraph, trainingGraph } from '../../train/step/graph.ts';
import { scalarsAt } from '../../train/step/schedule.ts';
import { type StepContext, type StepInput, trainStep } from '../../train/step/step.ts';
import { Clock, median, PARTS, type Part } from '../clock.ts';
import { type OperatorShares, operatorShares } from './profile.ts';

export interface StepTimes extends PlainTimes {
  /** A large matrix product, beside each step; the median. The machine's own speed changes while one measures. */
  peakGflops: number;
  /** A step's GFLOP/s over that of the product beside it: the median over the steps. */
  peakShare: number;
  /** The fastest step over the fastest product. */
  bestPeakShare: number;
}

/** Times of steps alone. */
export interface PlainTimes {
  model: string;
  phase: Phase;
  /** Of a whole step. */
  medianMs: number;
  minMs: number;
  /** At the median. */
  rowsPerSecond: number;
  /** Matrix products of a step, two operations per multiply-add, at the median. */
  gflops: number;
  /** Operations of one step. */
  gflop: number;
  /** Median milliseconds of what a step consists of. */
  parts: Record<Part | 'other', number>;
  /** What a step feeds to the runtime and gets back, in bytes. */
  bytesIn: number;
  bytesOut: number;
  batchSize: number;
  tableRows: number;
  fields: number;
  tableUpdates: 'lazy' | 'dense';
  steps: number;
  threads: number;
}

/** What a phase is made of. */
interface Made {
  setup: Setup;
  plan: PhasePlan;
  graph: TrainingGraph;
  session: Session;
  fillGates: StepInput['fillGates'];
}

export class TimedPhase {
  /** Milliseconds of the steps that count. */
  readonly milliseconds: number[] = [];
  readonly #ofParts: Record<Part | 'other', number[]> = { gather: [], run: [], scatter: [], update: [], other: [] };
  readonly #phase: Made;
  readonly #context: StepContext;
  readonly #scalars: Record<string, number>;
  readonly #batches: AsyncGenerator<Batch, never>;
  readonly #clock = new Clock();
  #steps = 0;

  private constructor(phase: Made) {
    const { setup, plan, graph, session } = phase;
    const executor = stepExecutor(this.#clock.session(session), graph, setup.weights, setup.step, setup.layout);
    const context = stepContext(setup, plan, graph, executor);
    this.#phase = phase;
    const tables = this.#clock.tables(context.weights.tables);
    this.#context = {
      ...context,
      kernels: this.#clock.kernels(setup.kernels),
      weights: { ...context.weights, tables },
    };
    this.#scalars = scalarsAt(setup, plan, { epoch: 0, step: 0, stepsPerEpoch: 1 });
    this.#batches = endless(setup.data, setup.config.train.batchSize);
  }

  /** Phases of one set-up share its weights, and train them further in turn. */
  static async open(setup: Setup, plan: PhasePlan): Promise<TimedPhase> {
    const graph = trainingGraph(setup.graphRequest(plan.phase, setup.config.train.batchSize));
    const gates = plan.phase === 'retrain' ? await frozenGates(setup) : undefined;
    const fillGates = gates && ((batch: Batch, out: Float32Array) => void gates.fill(batch, out));
    const session = await createSession(graph.bytes, runtimeOf(setup));
    return new TimedPhase({ setup, plan, graph, session, fillGates });
  }

  get products(): readonly Product[] {
    return this.#phase.graph.products;
  }

  async step(counts: boolean): Promise<void> {
    const input = await this.#nextInput();
    this.#clock.reset();
    const started = performance.now();
    await trainStep(this.#context, input);
    const milliseconds = performance.now() - started;
    if (!counts) return;
    const ofParts = this.#clock.milliseconds;
    this.milliseconds.push(milliseconds);
    for (const part of PARTS) this.#ofParts[part].push(ofParts[part]);
    this.#ofParts.other.push(milliseconds - PARTS.reduce((sum, part) => sum + ofParts[part], 0));
  }

  /** `peaks`: GFLOP/s of the product beside each step that counts. */
  times(peaks: readonly number[]): StepTimes {
    const plain = this.plainTimes();
    const { gflop, minMs } = plain;
    return {
      ...plain,
      peakGflops: median(peaks),
      peakShare: median(this.milliseconds.map((ms, i) => ((gflop / ms) * 1000) / peaks[i])),
      bestPeakShare: ((gflop / minMs) * 1000) / Math.max(...peaks),
    };
  }

  plainTimes(): PlainTimes {
    const { setup, plan } = this.#phase;
    const { config, data, model } = setup;
    const { batchSize, tableUpdates } = config.train;
    const gflop = (2 * this.products.reduce((sum, product) => sum + multiplyAdds(product, batchSize), 0)) / 1e9;
    const medianMs = median(this.milliseconds);
    const minMs = Math.min(...this.milliseconds);
    const parts = Object.entries(this.#ofParts).map(([part, ms]) => [part, median(ms)]);
    return {
      model: model.key,
      phase: plan.phase,
      medianMs,
      minMs,
      rowsPerSecond: (batchSize / medianMs) * 1000,
      gflops: (gflop / medianMs) * 1000,
      gflop,
      parts: Object.fromEntries(parts) as StepTimes['parts'],
      bytesIn: this.#clock.bytes.in,
      bytesOut: this.#clock.bytes.out,
      batchSize,
      tableRows: data.manifest.tableRows,
      fields: data.manifest.fields.length,
      tableUpdates,
      steps: this.milliseconds.length,
      threads: config.threads ?? availableParallelism(),
    };
  }

  /** A few more steps, for what kinds of nodes take of their time. */
  profile(): Promise<OperatorShares> {
    const { graph, setup } = this.#phase;
    return operatorShares(graph.bytes, runtimeOf(setup), async (session) =>
      trainStep(
        { ...this.#context, executor: stepExecutor(session, graph, setup.weights, setup.step, setup.layout) },
        await this.#nextInput(),
      ),
    );
  }

  release(): Promise<void> {
    return this.#phase.session.release();
  }

  async #nextInput(): Promise<StepInput> {
    const { plan, fillGates } = this.#phase;
    const { value: batch } = await this.#batches.next();
    const step = ++this.#steps;
    return { batch, step, epoch: 0, learningRate: plan.learningRate, scalars: this.#scalars, fillGates };
  }
}

const runtimeOf = ({ config }: Setup): SessionOptions => sessionOf(config);

/** The gates of all rows, computed once, as retraining has them. */
async function frozenGates(setup: Setup): Promise<GateSource> {
  const { data, weights } = setup;
  freezeTable(weights.tables);
  const [{ gates }] = await gatesOf(setup, await data.open('train'));
  return gates;
}

/** Full batches, over and over. */
async function* endless(data: PreparedData, batchSize: number): AsyncGenerator<Batch, never> {
  const reader = await data.open('train');
  for (;;) yield* reader.batches({ batchSize });
}
