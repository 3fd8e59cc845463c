/** Calibration of one scenario and task: from the graph's output to the served probability. */
import type { Calibration } from '../../documents/artifact.ts';

/** Computes the calibrated probability of a logit; `probability` is the graph's probability of the same logit. */
export type Calibrator = (logit: number, probability: number) => number;

/** Rising in the logit, within 0 and 1. NaN stays NaN. */
export function calibrator(calibration: Calibration): Calibrator {
  switch (calibration.kind) {
    case 'none':
      return (_logit, probability) => probability;
    case 'platt': {
      const { scale, shift } = calibration;
      return (logit) => 1 / (1 + Math.exp(-(scale * logit + shift)));
    }
    case 'isotonic': {
      const { x, y } = calibration;
      return (logit) => interpolate(logit, x, y);
    }
  }
}

/** Interpolates linearly between the points (x, y); constant beyond the ends. */
function interpolate(at: number, x: readonly number[], y: readonly number[]): number {
  const last = x.length - 1;
  if (!(at > x[0])) return Number.isNaN(at) ? at : y[0];
  if (at >= x[last]) return y[last];
  let low = 0; // x[low] <= at < x[high]
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (x[middle] <= at) low = middle;
    else high = middle;
  }
  const width = x[high] - x[low];
  // If sessions flush denormal numbers to 0, so does this thread: the difference of distinct x may be 0.
  // Rounding may carry the sum past the next point, and the function would fall after it.
  return width > 0 ? Math.min(y[low] + ((at - x[low]) / width) * (y[high] - y[low]), y[high]) : y[low];
}
