/** How well the probabilities of a cell fit before and after calibration, on the rows that it was fitted to. */
import type { CalibrationReliability } from '../../documents/artifact.ts';
import { weightedReliability } from '../../evaluate/calibration.ts';
import { numberOf } from '../../evaluate/metric.ts';
import { calibrator } from '../../store/artifact/calibration.ts';
import type { Fit } from './choose.ts';
import type { Labelled } from './isotonic.ts';

/** The rows of a cell that have a label, with the probabilities of the graph: [rows]. */
export interface LabelledCell extends Labelled {
  probabilities: Float32Array;
}

type Cell = CalibrationReliability[number];

/**
 * In 20 buckets, by weight. After calibration each row has the probability that a fit to the other folds gives it, because a fit looks better
 * than it is on its own rows; only where a fold has no such fit they are those of the fit to all rows.
 */
export function reliabilityOfFit(
  { logits, probabilities, labels, weights }: LabelledCell,
  { cell: { calibration }, heldOut }: Fit,
): Pick<Cell, 'before' | 'after'> {
  const fitOf = (of: ArrayLike<number>): Cell['before'] => {
    const { error, buckets } = weightedReliability(of, labels, weights);
    return { error: numberOf(error), buckets };
  };
  const before = fitOf(probabilities);
  if (calibration.kind === 'none') return { before };
  if (heldOut !== undefined) return { before, after: { ...fitOf(heldOut), rows: 'held out' } };
  const calibrate = calibrator(calibration);
  const seen = Float64Array.from(logits, (logit, i) => calibrate(logit, probabilities[i]));
  return { before, after: { ...fitOf(seen), rows: 'seen' } };
}
