/**
 * Negatives that were sampled at a rate make every prediction too high. X. He et al.: Practical lessons from predicting clicks on ads
 * at Facebook, ADKDD 2014, section 6.3: q = p / (p + (1 - p) / rate).
 */

/** The probability in all rows of a probability in the sampled ones. */
export const correctedRate = (predicted: number, rate: number): number => {
  checkRate(rate);
  return predicted / (predicted + (1 - predicted) / rate);
};

/** The same for a logit: it moves by ln rate. */
export const correctedLogit = (logit: number, rate: number): number => {
  checkRate(rate);
  return logit + Math.log(rate);
};

function checkRate(rate: number): void {
  if (!(rate > 0 && rate <= 1)) throw new RangeError(`a sampling rate is a number in (0, 1], found ${rate}`);
}
