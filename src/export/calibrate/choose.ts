/** Chooses the calibration of a scenario and task: by cross-validated log loss, the simplest one that is not clearly worse. */

import type { Calibration, FittedCell } from '../../documents/artifact.ts';
import { lossIfNegative, lossIfPositive, sigmoid } from '../../evaluate/logloss.ts';
import { calibrator } from '../../store/artifact/calibration.ts';

import { fitIsotonic, type Labelled } from './isotonic.ts';
import { fitPlatt } from './platt.ts';

/** Possible choices. */
export const CALIBRATIONS = ['auto', 'none', 'platt', 'isotonic'] as const;
export type CalibrationChoice = (typeof CALIBRATIONS)[number];

/** Min rows of each class for a fit. */
const FEWEST = 50;
const FOLDS = 5;

/** From simple to flexible. */
const FITS: Record<Calibration['kind'], (rows: Labelled) => Calibration | undefined> = {
  none: () => ({ kind: 'none' }),
  platt: fitPlatt,
  isotonic: fitIsotonic,
};
const KINDS = Object.keys(FITS) as Calibration['kind'][];

export interface Fit {
  cell: FittedCell;
  /** [rows] The probability of each row by the chosen kind fitted to the other folds; absent without calibration, or if such a fit fails. */
  heldOut?: Float64Array;
}

/**
 * Fits one cell. `auto` takes a more flexible kind only if it is better than the simpler one by more than the standard error of the
 * difference, because the same rows choose and fit. A fold is every fifth row, so folds of rows in order of time are similar.
 */
export function fitCell(rows: Labelled, choice: CalibrationChoice): Fit {
  const count = rows.labels.length;
  const positives = rows.labels.reduce((sum, label) => sum + label, 0);
  const none = (reason: string, logloss = NOT_TRIED): Fit => ({
    cell: { calibration: { kind: 'none', reason }, rows: count, positives, logloss },
  });
  if (choice === 'none') return none('not requested');
  const fewest = Math.min(positives, count - positives);
  if (fewest < FEWEST) return none(`${fewest} validation rows of one class: at least ${FEWEST} of each are needed`);
  if (!rows.logits.every(Number.isFinite)) return none('some logits are not finite');

  const { weights } = rows;
  const heldOut = Object.fromEntries(KINDS.map((kind) => [kind, heldOutProbabilities(rows, FITS[kind])]));
  const losses = Object.fromEntries(KINDS.map((kind) => [kind, lossesOf(heldOut[kind], rows.labels)]));
  const logloss = Object.fromEntries(
    KINDS.map((kind) => [kind, meanOf(losses[kind], weights)]),
  ) as FittedCell['logloss'];
  const chosen = choice === 'auto' ? best(losses, weights) : choice;
  const calibration = FITS[chosen](rows);
  if (calibration === undefined) return none(`no rising ${chosen} calibration fits`, logloss);
  const cell = { calibration, rows: count, positives, logloss };
  return { cell, ...(chosen !== 'none' && heldOut[chosen] && { heldOut: heldOut[chosen] }) };
}

const NOT_TRIED: FittedCell['logloss'] = { none: null, platt: null, isotonic: null };

type Losses = Record<string, Float64Array | undefined>;

function best(losses: Losses, weights: Float32Array): Calibration['kind'] {
  let chosen: Calibration['kind'] = 'none';
  for (const kind of KINDS.slice(1)) {
    const [simple, free] = [losses[chosen], losses[kind]];
    if (simple === undefined || free === undefined) continue;
    const gains = simple.map((loss, i) => loss - free[i]);
    const mean = meanOf(gains, weights) as number;
    if (mean > standardError(gains, mean, weights)) chosen = kind;
  }
  return chosen;
}

const sumOf = (numbers: Float32Array): number => numbers.reduce((sum, x) => sum + x, 0);

/** By weight. */
const meanOf = (numbers: Float64Array | undefined, weights: Float32Array): number | null =>
  numbers === undefined ? null : numbers.reduce((sum, x, i) => sum + weights[i] * x, 0) / sumOf(weights);

/** Of a weighted mean of rows drawn one by one: sqrt(n / (n-1) sum w^2 (x - mean)^2) / sum w. */
function standardError(numbers: Float64Array, mean: number, weights: Float32Array): number {
  const squares = numbers.reduce((sum, x, i) => sum + (weights[i] * (x - mean)) ** 2, 0);
  return Math.sqrt((squares * numbers.length) / (numbers.length - 1)) / sumOf(weights);
}

/** Log loss of every row, without its weight. */
const lossesOf = (probabilities: Float64Array | undefined, labels: Uint8Array): Float64Array | undefined =>
  probabilities?.map((p, i) => (labels[i] === 1 ? lossIfPositive(p) : lossIfNegative(p)));

/** The probability of every row by the fit to the other folds; undefined if one of the fits fails. */
function heldOutProbabilities(
  { logits, labels, weights }: Labelled,
  method: (rows: Labelled) => Calibration | undefined,
): Float64Array | undefined {
  const probabilities = new Float64Array(logits.length);
  for (let fold = 0; fold < FOLDS; fold++) {
    const others = (_: number, i: number): boolean => i % FOLDS !== fold;
    const calibration = method({
      logits: logits.filter(others),
      labels: labels.filter(others),
      weights: weights.filter(others),
    });
    if (calibration === undefined) return undefined;
    const calibrate = calibrator(calibration);
    for (let i = fold; i < logits.length; i += FOLDS) probabilities[i] = calibrate(logits[i], sigmoid(logits[i]));
  }
  return probabilities;
}
