/** Fits calibrations from the logits of graphs to probabilities, on the validation rows. */
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { CalibrationReliability, FittedCell } from '../../documents/artifact.ts';
import type { ServingGraph } from '../../inference/graphs/serving.ts';
import type { ServingModel } from '../../inference/serving/serving-model.ts';
import { calibrator } from '../../store/artifact/calibration.ts';
import type { StepEvent } from '../events.ts';
import { type CalibrationChoice, fitCell } from './choose.ts';
import { type LabelledCell, reliabilityOfFit } from './reliability.ts';

export interface CalibrationOptions {
  /** Default `auto`: chosen for each scenario and task by cross-validated log loss. */
  calibrate?: CalibrationChoice;
  /** Count each row once, not by its weight: for weights that say how much a row matters, not how many rows it stands for. Default false. */
  unweighted?: boolean;
  onEvent?: (event: StepEvent) => void;
}

export interface Calibrated {
  /** [S][T] */
  cells: FittedCell[][];
  /** Scenario by scenario, task by task. */
  reliability: CalibrationReliability;
  /** The calibrated probabilities of the validation rows, [S][T] of [rows of the scenario]. */
  probabilities: Float64Array[][];
  /** How many rows each of these stands for, [S][T] of [rows of the scenario]. */
  weights: Float32Array[][];
}

/** Throws MODEL_NOT_FINITE. The first graph is the joint graph of all scenarios. */
export async function calibrateGraphs(
  serving: ServingModel,
  data: PreparedData,
  graphs: readonly ServingGraph[],
  { calibrate = 'auto', unweighted = false, onEvent = () => {} }: CalibrationOptions = {},
): Promise<Calibrated> {
  onEvent({ event: 'step', step: 'scoring the validation rows' });
  const validation = await scoreValidation(data, await serving.answering(graphs), unweighted);
  onEvent({ event: 'step', step: 'fitting calibrations' });
  const { scenarios, tasks } = data.manifest;
  const known = validation.map((row) => row.map(labelled));
  const fits = known.map((row) => row.map((rows) => fitCell(rows, calibrate)));
  const cells = fits.map((row) => row.map(({ cell }) => cell));
  const reliability = scenarios.flatMap((scenario, s) =>
    tasks.map((task, t) => ({ scenario, task, ...reliabilityOfFit(known[s][t], fits[s][t]) })),
  );
  const probabilities = validation.map((row, s) => row.map((cell, t) => calibrated(cell, cells[s][t])));
  return { cells, reliability, probabilities, weights: validation.map((row) => row.map(({ weights }) => weights)) };
}

/** All rows of one scenario, for one task. */
interface ValidationCell {
  logits: Float32Array;
  probabilities: Float32Array;
  /** NaN if missing. */
  labels: Float32Array;
  weights: Float32Array;
}

/** Scores every validation row: [S][T]. Memory: 16 bytes per row and task. */
async function scoreValidation(
  data: PreparedData,
  answer: Awaited<ReturnType<ServingModel['answering']>>,
  unweighted: boolean,
): Promise<ValidationCell[][]> {
  const { scenarios, tasks } = data.manifest;
  const cells = scenarios.map(() =>
    tasks.map(() => ({ logits: [], probabilities: [], labels: [], weights: [] }) as Parts),
  );
  for await (const batch of data.batches('validation')) {
    const { logits, probabilities } = await answer(batch);
    scenarios.forEach((_, s) => {
      const rows = Array.from({ length: batch.size }, (_, row) => row).filter((row) => batch.scenario[row] === s);
      tasks.forEach((_, t) => {
        const own = cells[s][t];
        own.logits.push(Float32Array.from(rows, (row) => logits[row * tasks.length + t]));
        own.probabilities.push(Float32Array.from(rows, (row) => probabilities[t][row]));
        own.labels.push(Float32Array.from(rows, (row) => batch.labels[row * tasks.length + t]));
        own.weights.push(Float32Array.from(rows, (row) => (unweighted ? 1 : batch.weight[row])));
      });
    });
  }
  return cells.map((row) =>
    row.map(({ logits, probabilities, labels, weights }) => ({
      logits: joined(logits),
      probabilities: joined(probabilities),
      labels: joined(labels),
      weights: joined(weights),
    })),
  );
}

type Parts = Record<keyof ValidationCell, Float32Array[]>;

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The rows that have a label. */
function labelled({ logits, probabilities, labels, weights }: ValidationCell): LabelledCell {
  const known = (_: number, i: number): boolean => !Number.isNaN(labels[i]);
  return {
    logits: logits.filter(known),
    probabilities: probabilities.filter(known),
    labels: Uint8Array.from(labels.filter(known)),
    weights: weights.filter(known),
  };
}

/** [rows] probabilities after calibration. */
function calibrated({ logits, probabilities }: ValidationCell, { calibration }: FittedCell): Float64Array {
  const calibrate = calibrator(calibration);
  return Float64Array.from(logits, (logit, i) => calibrate(logit, probabilities[i]));
}
