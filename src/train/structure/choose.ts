/**
 * Is the structure that the flow test found better than keeping everything? The test sees main effects: a field that matters only
 * together with another one looks useless to it, and any test errs. So each structure is trained for a moment on the same sample, and
 * validation rows decide.
 */
import type { RunConfig } from '../../config/run.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { StructureChoice } from '../../documents/flows.ts';
import { softplus } from '../../evaluate/index.ts';
import { clustersOf, lossDifference } from '../../flows/index.ts';
import type { FlowTable } from '../../model/contract.ts';
import type { EpochContext } from '../phases/epoch.ts';
import { scalarsHere, trainingSteps } from '../phases/epoch.ts';
import { preparePhase } from '../phases/phase-tools.ts';
import { planPhases } from '../phases/phases.ts';
import { setUp, startWeights } from '../run/setup.ts';
import { initialState } from '../run/state.ts';
import { type Sample, sampleRows } from './sample.ts';

/** What a structure is called, in the order of preference: the verdict stands unless another one is better beyond doubt. */
export type Structures = { structure: StructureChoice['chosen']; table: FlowTable }[];

/** Rows drawn, and steps of each training. The seed is not that of a run: runs that differ only in their seed share one structure. */
const TRIAL = {
  rows: 100_000,
  validationRows: 50_000,
  seed: 1,
  batchSize: 512,
  steps: 800,
  everySteps: 100,
  patience: 2,
};

/** The best structure for these data. `use`: the configuration of a run with a table. */
export async function chooseStructure(
  structures: Structures,
  use: (table: FlowTable) => RunConfig,
  data: PreparedData,
): Promise<{ table: FlowTable; choice: StructureChoice }> {
  const sample = await sampleRows(data, use(structures[0].table).train, TRIAL);
  const tried: { parameters: number; losses: Float64Array }[] = [];
  for (const { table } of structures) tried.push(await tryOut(use(table), sample));
  const group = sample.data.manifest.hasGroup ? sample.held.group : undefined;
  const [first] = tried;
  const labelled = Array.from(first.losses.keys()).filter((row) => !Number.isNaN(first.losses[row]));
  const clusters = clustersOf(labelled, group);
  const ofLabelled = (losses: Float64Array): Float64Array => Float64Array.from(labelled, (row) => losses[row]);
  const measured = tried.map(({ parameters, losses }, i) => ({
    structure: structures[i].structure,
    parameters,
    logloss: mean(losses),
    ...(i > 0 && { difference: lossDifference(ofLabelled(losses), ofLabelled(first.losses), clusters) }),
  }));
  const better = measured.filter(({ difference }) => difference !== undefined && difference.high < 0);
  const [best = measured[0]] = better.sort((a, b) => a.logloss - b.logloss);
  const { table } = structures.find(({ structure }) => structure === best.structure) as Structures[number];
  const rows = { rows: sample.train.rows, validationRows: sample.held.size };
  return { table, choice: { chosen: best.structure, ...rows, structures: measured } };
}

/** Trains a model for some steps; the log loss of each validation row (mean over its labels; NaN without) at the best moment. */
async function tryOut(config: RunConfig, sample: Sample): Promise<{ parameters: number; losses: Float64Array }> {
  const { train: training } = config;
  const batchSize = Math.min(training.batchSize, TRIAL.batchSize);
  const own = {
    ...config,
    seed: TRIAL.seed,
    train: { ...training, batchSize, weightAverage: 0, scenarios: undefined, tasks: undefined },
  };
  const setup = await setUp(own, sample.data);
  startWeights(setup, TRIAL.seed);
  const [plan] = planPhases(setup.model, own.train);
  const tools = await preparePhase(setup, plan, sample.train, sample.validation, {});
  const state = initialState(setup.sizes.tasks);
  try {
    return { parameters: setup.denseParameters, losses: await bestLosses({ setup, state, tools }, sample) };
  } finally {
    await tools.release();
  }
}

async function bestLosses(context: EpochContext, sample: Sample): Promise<Float64Array> {
  let best: Float64Array | undefined;
  let worse = 0;
  for (const { state } = context; ; state.epoch++, state.batch = 0)
    for await (const _ of trainingSteps(context, sample.train)) {
      if (state.step % TRIAL.everySteps > 0) continue;
      const losses = await rowLosses(context, sample);
      const isBest = best === undefined || mean(losses) < mean(best);
      if (isBest) best = losses;
      worse = isBest ? 0 : worse + 1;
      if (state.step >= TRIAL.steps || worse === TRIAL.patience) return best as Float64Array;
    }
}

async function rowLosses(context: EpochContext, { validation, held }: Sample): Promise<Float64Array> {
  const { scorer } = context.tools;
  context.setup.decay?.settleAll();
  const tasks = held.labels.length / held.size;
  const losses = new Float64Array(held.size);
  for await (const batch of validation.batches({ batchSize: scorer.capacity })) {
    const { logits } = await scorer.run({ ...batch, scalars: scalarsHere(context) });
    const z = logits.data as Float32Array;
    for (let row = 0; row < batch.size; row++) losses[batch.row[row]] = rowLoss(z, batch.labels, row * tasks, tasks);
  }
  return losses;
}

function rowLoss(logits: Float32Array, labels: Float32Array, from: number, tasks: number): number {
  let [sum, labelled] = [0, 0];
  for (let i = from; i < from + tasks; i++) {
    if (Number.isNaN(labels[i])) continue;
    sum += softplus(logits[i]) - labels[i] * logits[i];
    labelled++;
  }
  return sum / labelled;
}

/** Over the rows that have a label. */
function mean(losses: Float64Array): number {
  const labelled = losses.filter((loss) => !Number.isNaN(loss));
  return labelled.reduce((sum, loss) => sum + loss, 0) / labelled.length;
}
