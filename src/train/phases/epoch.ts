/** One epoch: a step for each batch of the training rows, then the step that a model may take on validation rows. */
import type { Batch, SplitReader } from '../../data/prepared/prepared.ts';
import type { GateSource } from '../../inference/arena/gates.ts';
import type { Setup } from '../run/setup.ts';
import type { LoopState } from '../run/state.ts';
import { learningRateShare, scalarsAt } from '../step/schedule.ts';
import { groupStep, type StepLosses, trainStep } from '../step/step.ts';
import type { PhaseTools } from './phase-tools.ts';

export interface EpochContext {
  setup: Setup;
  /** Position of the run; each step advances it. */
  state: LoopState;
  tools: PhaseTools;
}

export interface StepReport extends StepLosses {
  /** Rows of the batch. */
  rows: number;
  learningRate: number;
}

/** The rest of the current epoch, step by step. The state is valid for a checkpoint after each step. */
export async function* trainingSteps(context: EpochContext, reader: SplitReader): AsyncGenerator<StepReport> {
  const { setup, state, tools } = context;
  const { plan, step: stepTools, steps } = tools;
  const { train, seed } = setup.config;
  const fillGates = filling(tools.gates);
  const batches = reader.batches({
    batchSize: train.batchSize,
    shuffle: train.shuffle ? { seed, epoch: epochOfRun(state) } : undefined,
    firstBatch: state.batch,
  });
  for await (const batch of batches) {
    const step = state.step + 1;
    const learningRate = plan.learningRate * learningRateShare(train.schedule, step, plan.epochs * steps);
    const input = { batch, step, epoch: state.epoch, learningRate, scalars: scalarsHere(context), fillGates };
    const losses = await trainStep(stepTools, input);
    state.step++;
    state.batch++;
    addLosses(state, losses.tasks);
    if (averages(context)) setup.average?.add(state.step);
    yield { ...losses, rows: batch.size, learningRate };
  }
}

/**
 * The epoch's step of the model's validation group, on a batch chosen by (seed, epoch). The epochs count its steps, and its moments
 * are stored with all others, so a checkpoint holds both.
 */
export async function learnFromValidation(context: EpochContext, reader: SplitReader): Promise<void> {
  const { setup, state, tools } = context;
  const { model, options, config } = setup;
  const learning = model.validationGroup?.(options);
  if (learning === undefined) return;
  const { epoch } = state;
  const fillGates = filling(tools.scorer.gates);
  const batches = reader.batches({
    batchSize: config.train.batchSize,
    shuffle: { seed: config.seed, epoch: epochOfRun(state) },
  });
  const { group, learningRate } = learning;
  for await (const batch of batches) {
    const input = { batch, step: epoch + 1, epoch, learningRate, scalars: scalarsHere(context), fillGates };
    await groupStep(tools.step, group, input);
    break; // one batch
  }
}

/** Is an average of the weights validated and kept? The phases before the last give their own weights to the next. */
export const averages = ({ setup, tools }: EpochContext): boolean =>
  setup.average !== undefined && tools.plan.patience !== undefined;

/** Scalars for the graphs at the run's current position. */
export const scalarsHere = ({ setup, state, tools }: EpochContext): Record<string, number> =>
  scalarsAt(setup, tools.plan, { epoch: state.epoch, step: state.step, stepsPerEpoch: tools.steps });

/** Mean loss of each task over the steps of this epoch so far. */
export const meanLosses = ({ lossSums, lossSteps }: LoopState): number[] =>
  lossSums.map((sum, task) => sum / lossSteps[task]);

function addLosses({ lossSums, lossSteps }: LoopState, losses: Float32Array): void {
  losses.forEach((loss, task) => {
    if (Number.isNaN(loss)) return; // no label of the task in the batch
    lossSums[task] += loss;
    lossSteps[task]++;
  });
}

/** Counts the epochs of all phases, so each epoch gets a different order. */
const epochOfRun = ({ epochs, phase, epoch }: LoopState): number =>
  epochs.slice(0, phase).reduce((sum, count) => sum + count, 0) + epoch;

const filling = (gates: GateSource | undefined) =>
  gates && ((rows: Batch, out: Float32Array) => void gates.fill(rows, out));
