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
  /** Differences are shares of the control's value. */
  relative?: boolean;
  /** Of latency less is better: the numbers here are negative, those of the sentence are not. */
  lowerIsBetter?: boolean;
}

export interface VerdictInput {
  /** Why the assignment cannot be trusted; empty where it can. */
  broken: readonly string[];
  /** Corrected for their number. */
  success: readonly (Finding & { /** Differences up to this matter to nobody. */ margin?: number })[];
  /** Bounds for each guardrail, and its margin: a negative number, or 0. */
  guardrails: readonly (Finding & { margin: number })[];
  /** Units and days that the plan still asks for. */
  missing?: { units: number; days: number | null };
  /** Why nothing can be concluded yet, as where an arm has few units. */
  waits?: readonly string[];
  /** The last planned look was taken: there is nothing to wait for. */
  finished?: boolean;
}

export type Decision = 'broken' | 'roll back' | 'ship' | 'no difference' | 'go on';

export interface Verdict {
  decision: Decision;
  sentence: string;
}

/** The first rule that holds decides. */
export function verdictOf({
  broken,
  success,
  guardrails,
  missing,
  waits = [],
  finished = false,
}: VerdictInput): Verdict {
  const worse = success.filter(({ high }) => high < 0);
  const lost = guardrails.filter(({ high, margin }) => high < margin);
  const better = success.filter(({ low }) => low > 0);
  const open = guardrails.filter(({ low, margin }) => low <= margin);
  const equal = ({ low, high, margin }: VerdictInput['success'][number]): boolean =>
    margin !== undefined && low > -margin && high < margin;
  if (broken.length > 0) return verdict('broken', broken);
  if (waits.length > 0) return verdict('go on', waits);
  if (lost.length > 0)
    return verdict(
      'roll back',
      lost.map((one) => `${interval(one)} is beyond the margin ${difference(one, one.margin)}`),
    );
  if (worse.length > 0)
    return verdict(
      'roll back',
      worse.map((one) => `${interval(one)} is below 0`),
    );
  if (better.length > 0 && open.length === 0)
    return verdict('ship', [
      ...better.map((one) => `${interval(one)} is above 0`),
      ...guardrails.map((one) => `${interval(one)} is within the margin ${difference(one, one.margin)}`),
    ]);
  if (success.length > 0 && success.every(equal) && open.length === 0)
    return verdict(
      'no difference',
      success.map(
        (one) =>
          `${interval(one)} is within ${difference({ ...one, lowerIsBetter: false }, one.margin as number)} of 0`,
      ),
    );
  const undecided = [
    ...open.map((one) => `${interval(one)} may be beyond the margin ${difference(one, one.margin)}`),
    ...success.filter((one) => one.low <= 0).map((one) => `${interval(one)} holds 0`),
  ];
  if (finished) return verdict('no difference', ['the planned number of units is reached', ...undecided]);
  return verdict('go on', [...needOf(missing), ...undecided]);
}

function needOf(missing: VerdictInput['missing']): string[] {
  if (missing === undefined) return [];
  const units = `needs about ${Math.ceil(missing.units)} more units`;
  if (missing.days === null) return [units];
  const days = Math.ceil(missing.days);
  return [`${units}, ${days === 1 ? '1 day' : `${days} days`}`];
}

const verdict = (decision: Decision, reasons: readonly string[]): Verdict => ({
  decision,
  sentence: reasons.length === 0 ? `${decision}.` : `${decision}: ${reasons.join('; ')}.`,
});

const interval = (one: Finding): string => {
  const { metric, estimate, low, high, lowerIsBetter = false } = one;
  const [from, to] = lowerIsBetter ? [high, low] : [low, high];
  return `${metric} ${difference(one, estimate)} (${difference(one, from)} to ${difference(one, to)})`;
};

const difference = ({ relative = false, lowerIsBetter = false }: Finding, value: number): string => {
  const own = lowerIsBetter ? -value : value;
  return relative ? `${share(100 * own)} %` : share(own);
};

/** Three digits with a sign. */
const share = (x: number): string => `${x > 0 ? '+' : ''}${Number(x.toPrecision(3))}`;
