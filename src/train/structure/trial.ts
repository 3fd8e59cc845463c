/** A short training of one structure, in parts: the next steps are taken only where a decision needs them. */
import type { RunConfig } from '../../config/run.ts';
import { softplus } from '../../evaluate/index.ts';
import { type EpochContext, type StepReport, scalarsHere, trainingSteps } from '../phases/epoch.ts';
import { preparePhase } from '../phases/phase-tools.ts';
import { planPhases } from '../phases/phases.ts';
import { setUp, startWeights } from '../run/setup.ts';
import { initialState } from '../run/state.ts';
import type { Sample } from './sample.ts';

/** The log loss of each validation row (mean over its labels; NaN without). */
export type Losses = Float64Array;

export interface TrialOptions {
  seed: number;
  /** Rows of a step at most. */
  batchSize: number;
  /** Steps from one measurement to the next. */
  everySteps: number;
  /** Measurements without a better one after which it does not go on. */
  patience: number;
}

export class Trial {
  readonly #context: EpochContext;
  readonly #sample: Sample;
  readonly #options: TrialOptions;
  /** The losses of the best moment so far, after each measurement. */
  readonly #best: Losses[] = [];
  #worse = 0;
  #steps: AsyncGenerator<StepReport> | undefined;

  static async start(config: RunConfig, sample: Sample, options: TrialOptions): Promise<Trial> {
    const { train: training } = config;
    const batchSize = Math.min(training.batchSize, options.batchSize);
    const setup = await setUp(
      {
        ...config,
        seed: options.seed,
        train: { ...training, batchSize, weightAverage: 0, scenarios: undefined, tasks: undefined },
      },
      sample.data,
    );
    startWeights(setup, options.seed);
    const [plan] = planPhases(setup.model, setup.config.train);
    const tools = await preparePhase(setup, plan, sample.train, sample.validation, {});
    return new Trial({ setup, state: initialState(setup.sizes.tasks), tools }, sample, options);
  }

  private constructor(context: EpochContext, sample: Sample, options: TrialOptions) {
    this.#context = context;
    this.#sample = sample;
    this.#options = options;
  }

  /** Dense ones. */
  get parameters(): number {
    return this.#context.setup.denseParameters;
  }

  /** The losses of the best moment up to a measurement (1, 2, ...), trained as far as that takes. */
  async bestAt(measurement: number): Promise<Losses> {
    while (this.#best.length < measurement) {
      const before = this.#best.at(-1);
      if (this.#worse === this.#options.patience) {
        this.#best.push(before as Losses);
        continue;
      }
      for (let step = 0; step < this.#options.everySteps; step++) await this.#step();
      const losses = await rowLosses(this.#context, this.#sample);
      const isBest = before === undefined || mean(losses) < mean(before);
      this.#worse = isBest ? 0 : this.#worse + 1;
      this.#best.push(isBest ? losses : before);
    }
    return this.#best[measurement - 1];
  }

  async #step(): Promise<void> {
    this.#steps ??= trainingSteps(this.#context, this.#sample.train);
    if (!(await this.#steps.next()).done) return;
    const { state } = this.#context;
    state.epoch++;
    state.batch = 0;
    this.#steps = trainingSteps(this.#context, this.#sample.train);
    await this.#steps.next();
  }

  async release(): Promise<void> {
    await this.#steps?.return(undefined);
    await this.#context.tools.release();
  }
}

async function rowLosses(context: EpochContext, { validation, held }: Sample): Promise<Losses> {
  const { scorer } = context.tools;
  context.setup.decay?.settleAll();
  const tasks = held.labels.length / held.size;
  const losses = new Float64Array(held.size);
  for await (const batch of validation.batches({ batchSize: scorer.capacity })) {
    const { logits } = await scorer.run({ ...batch, scalars: scalarsHere(context) });
    const z = logits.data as Float32Array;
    for (let row = 0; row < batch.size; row++)
      losses[batch.row[row]] = rowLoss(z.subarray(row * tasks, (row + 1) * tasks), batch.labels, row * tasks);
  }
  return losses;
}

/** Mean over the labels of a row, which begin at `from`; its logits are [T]. */
export function rowLoss(logits: Float32Array | Float64Array, labels: Float32Array, from: number): number {
  let [sum, labelled] = [0, 0];
  for (let t = 0; t < logits.length; t++) {
    const label = labels[from + t];
    if (Number.isNaN(label)) continue;
    // A cell without positives, or without negatives, has an infinite logit and no loss.
    if (Number.isFinite(logits[t])) sum += softplus(logits[t]) - label * logits[t];
    labelled++;
  }
  return sum / labelled;
}

/** Over the rows that have a label. */
export function mean(losses: Losses): number {
  let [sum, labelled] = [0, 0];
  for (const loss of losses) {
    if (Number.isNaN(loss)) continue;
    sum += loss;
    labelled++;
  }
  return sum / labelled;
}
