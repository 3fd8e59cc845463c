/**
 * Is the structure that the flow test found better than keeping everything? The test sees main effects: a field that matters only
 * together with another one looks useless to it, and any test errs. So each structure is trained for a moment on the same sample, and
 * validation rows decide.
 */
import type { RunConfig } from '../../config/run.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { StructureChoice } from '../../documents/flows.ts';
import { clustersOf, type Estimate, lossDifference } from '../../flows/index.ts';
import type { FlowTable } from '../../model/contract.ts';
import { type Sample, sampleRows } from './sample.ts';
import { type Losses, mean, rowLoss, Trial } from './trial.ts';

/** What a structure is called. The first keeps everything: the others are held against it, in this order. */
export type Structures = { structure: StructureChoice['chosen']; table: FlowTable }[];

/** Rows drawn, and steps of each training. The seed is not that of a run: runs that differ only in their seed share one structure. */
const TRIAL = {
  rows: 204_800, // no row twice where there are enough
  validationRows: 50_000,
  seed: 1,
  batchSize: 512,
  everySteps: 100,
  patience: 2,
};

/**
 * After how many measurements (each after `everySteps`) a structure may be dropped, taken and must be decided on. Small networks are ahead
 * of large ones at first: what is not ahead by `MIN_GAIN` then will not be, but what is may lose it.
 */
const [DROP, TAKE, LAST] = [2, 3, 4];

/**
 * What a smaller structure must gain, as a share of what keeping everything has learned: how much lower its log loss is than that of the rates
 * of the cells. Small structures are ahead at first though they may end level or behind; the value was set by looking at synthetic worlds and
 * MovieLens, between the gains without and with planted noise. (A share of the log loss itself would ask too much where labels are mostly chance.)
 */
const MIN_GAIN = 0.03;

/**
 * The first structure after keeping everything that has a log loss on validation rows that is lower, beyond doubt and by `MIN_GAIN`; else keeping
 * everything. Structures after the one that is taken are not tried, nor where the one before is level or ahead: they keep more fields, which
 * brings back only what was lost. `use`: the configuration of a run with a table.
 */
export async function chooseStructure(
  [first, ...others]: Structures,
  use: (table: FlowTable) => RunConfig,
  data: PreparedData,
): Promise<{ table: FlowTable; choice: StructureChoice }> {
  const sample = await sampleRows(data, use(first.table).train, TRIAL);
  const difference = differences(sample);
  const rates = mean(lossesOfRates(sample));
  const rows = { rows: sample.train.rows, validationRows: sample.held.size };
  const reference = await Trial.start(use(first.table), sample, TRIAL);
  const measured: StructureChoice['structures'] = [];
  let chosen = first;
  try {
    for (const other of others) {
      const trial = await Trial.start(use(other.table), sample, TRIAL);
      const { isBetter, ...found } = await compare(trial, reference, difference, rates).finally(() => trial.release());
      measured.push({ structure: other.structure, parameters: trial.parameters, ...found });
      if (isBetter) chosen = other;
      if (found.difference.value <= 0) break;
    }
    const structures = [await keptAll(), ...measured];
    return { table: chosen.table, choice: { chosen: chosen.structure, ...rows, rates, structures } };
  } finally {
    await reference.release();
  }

  /** As far as the structure that was trained longest. */
  async function keptAll(): Promise<StructureChoice['structures'][number]> {
    const steps = Math.max(...measured.map((of) => of.steps));
    const logloss = mean(await reference.bestAt(steps / TRIAL.everySteps));
    return { structure: first.structure, parameters: reference.parameters, steps, logloss };
  }
}

/** Trains both in turn until the difference of their log losses decides. `rates`: that of the rates of the cells. */
async function compare(
  trial: Trial,
  reference: Trial,
  difference: (a: Losses, b: Losses) => Estimate,
  rates: number,
): Promise<{ isBetter: boolean; steps: number; logloss: number; difference: Estimate }> {
  for (let measurement = DROP; ; measurement++) {
    const [all, own] = [await reference.bestAt(measurement), await trial.bestAt(measurement)];
    const found = difference(own, all);
    const needed = -MIN_GAIN * Math.max(rates - mean(all), 0);
    const isBetter = measurement < LAST ? found.high < needed : found.high < 0 && found.value < needed;
    const isDecided = found.low > needed || (isBetter && measurement >= TAKE) || measurement === LAST;
    if (isDecided) return { isBetter, steps: measurement * TRIAL.everySteps, logloss: mean(own), difference: found };
  }
}

/** Of the validation rows, where each cell's own share of positives is the answer: what is left without any field. */
function lossesOfRates({ data: { manifest }, held }: Sample): Losses {
  const tasks = manifest.tasks.length;
  const cells = manifest.scenarios.length * tasks;
  const [positives, labelled] = [new Float64Array(cells), new Float64Array(cells)];
  held.labels.forEach((label, i) => {
    if (Number.isNaN(label)) return;
    const cell = held.scenario[Math.floor(i / tasks)] * tasks + (i % tasks);
    positives[cell] += label;
    labelled[cell]++;
  });
  const logits = positives.map((count, cell) => Math.log(count / (labelled[cell] - count)));
  const ofRow = (row: number): Float64Array =>
    logits.subarray(held.scenario[row] * tasks, (held.scenario[row] + 1) * tasks);
  return Float64Array.from({ length: held.size }, (_, row) => rowLoss(ofRow(row), held.labels, row * tasks));
}

/** Compares the losses of the validation rows by pairs; rows of a group are no independent witnesses. */
function differences({ data, held }: Sample): (a: Losses, b: Losses) => Estimate {
  const tasks = held.labels.length / held.size;
  const isLabelled = (row: number): boolean =>
    held.labels.subarray(row * tasks, (row + 1) * tasks).some((label) => !Number.isNaN(label));
  const labelled = Array.from({ length: held.size }, (_, row) => row).filter(isLabelled);
  const clusters = clustersOf(labelled, data.manifest.hasGroup ? held.group : undefined);
  const ofLabelled = (losses: Losses): Losses => Float64Array.from(labelled, (row) => losses[row]);
  return (a, b) => lossDifference(ofLabelled(a), ofLabelled(b), clusters);
}
