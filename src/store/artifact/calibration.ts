/** From what a graph gives to the probability that is served: one scenario and task. */
import type { Calibration } from '../../documents/artifact.ts';

/** Gives the calibrated probability of a logit; `probability` is what the graph made of the same logit. */
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

/** The line through the points (x, y) at a place; beyond its ends it is level. */
function interpolate(at: number, x: readonly number[], y: readonly number[]): number {
  const last = x.length - 1;
  if (!(at > x[0])) return Number.isNaN(at) ? at : y[0];
  if (at >= x[last]) return y[last];
  let low = 0; // x[low] < at < x[high] but for at = x[low]
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (x[middle] <= at) low = middle;
    else high = middle;
  }
  const width = x[high] - x[low];
  // Where sessions take denormal numbers for 0, so does this thread: x that differ may have no width between them.
  // Rounding may carry the sum past the next point: what follows would be lower.
  return width > 0 ? Math.min(y[low] + ((at - x[low]) / width) * (y[high] - y[low]), y[high]) : y[low];
}
