/**
 * What to do, as one sentence with its figures. The rule is that of M. Schultzberg, S. Ankargren, M. Frånberg, arXiv 2402.11609: ship when a
 * success metric is better, no guardrail is inferior and the assignment is sound.
 */

/** An interval of a metric that holds at the time of the verdict: of a sequence, or of the last planned look. */
export interface Finding {
  metric: string;
  estimate: number;
  low: number;
  high: number;
}

export interface VerdictInput {
  /** Why the assignment cannot be trusted; empty where it can. */
  broken: readonly string[];
  /** Corrected for their number. */
  success: readonly (Finding & { /** Differences up to this matter to nobody. */ margin?: number })[];
  /** Bounds for each guardrail, and its margin: a negative number, or 0. */
  guardrails: readonly (Finding & { margin: number })[];
  /** Units and days that the plan still asks for. */
  missing?: { units: number; days: number };
}

export type Decision = 'broken' | 'roll back' | 'ship' | 'no difference' | 'go on';

export interface Verdict {
  decision: Decision;
  sentence: string;
}

/** The first rule that holds decides. */
export function verdictOf({ broken, success, guardrails, missing }: VerdictInput): Verdict {
  const worse = success.filter(({ high }) => high < 0);
  const lost = guardrails.filter(({ high, margin }) => high < margin);
  const better = success.filter(({ low }) => low > 0);
  const open = guardrails.filter(({ low, margin }) => low <= margin);
  const equal = ({ low, high, margin }: VerdictInput['success'][number]): boolean =>
    margin !== undefined && low > -margin && high < margin;
  if (broken.length > 0) return verdict('broken', broken);
  if (lost.length > 0)
    return verdict(
      'roll back',
      lost.map((one) => `${interval(one)} is beyond the margin ${share(one.margin)}`),
    );
  if (worse.length > 0)
    return verdict(
      'roll back',
      worse.map((one) => `${interval(one)} is below 0`),
    );
  if (better.length > 0 && open.length === 0)
    return verdict('ship', [
      ...better.map((one) => `${interval(one)} is above 0`),
      ...guardrails.map((one) => `${interval(one)} is within the margin ${share(one.margin)}`),
    ]);
  if (success.length > 0 && success.every(equal) && open.length === 0)
    return verdict(
      'no difference',
      success.map((one) => `${interval(one)} is within ${share(one.margin as number)} of 0`),
    );
  const need =
    missing === undefined
      ? []
      : [`needs about ${Math.ceil(missing.units)} more units, ${Math.ceil(missing.days)} days`];
  return verdict('go on', [
    ...need,
    ...open.map((one) => `${interval(one)} may be beyond the margin ${share(one.margin)}`),
    ...success.filter((one) => one.low <= 0).map((one) => `${interval(one)} holds 0`),
  ]);
}

const verdict = (decision: Decision, reasons: readonly string[]): Verdict => ({
  decision,
  sentence: reasons.length === 0 ? `${decision}.` : `${decision}: ${reasons.join('; ')}.`,
});

const interval = ({ metric, estimate, low, high }: Finding): string =>
  `${metric} ${share(estimate)} (${share(low)} to ${share(high)})`;

/** Three digits with a sign. */
const share = (x: number): string => `${x > 0 ? '+' : ''}${Number(x.toPrecision(3))}`;
