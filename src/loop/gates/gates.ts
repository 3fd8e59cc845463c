/** What must hold before a model is loaded, as sentences with figures. */
import type { LoopConfig } from '../../config/loop.ts';
import type { GateResult, Judgement } from '../../documents/loop/round.ts';

type Measured = Omit<Judgement, 'gates'>;

/** All gates, also after one that did not hold: the record says everything that is wrong. */
export const checkGates = (measured: Measured, rule: LoopConfig['gates'], failure?: string): GateResult[] => [
  labels(measured, rule),
  ...meanAuc(measured, rule),
  ...cells(measured, rule),
  calibration(measured, rule),
  drift(measured, rule),
  requests(measured, failure),
];

const number = (value: number): string => value.toFixed(4);
const signed = (value: number): string => `${value < 0 ? '' : '+'}${number(value)}`;
const interval = ({ value, low, high }: { value: number; low: number; high: number }): string =>
  `${signed(value)} [${signed(low)}, ${signed(high)}]`;

function labels({ cells: all }: Measured, { minPositives }: LoopConfig['gates']): GateResult {
  const judged = all.filter(({ auc }) => auc !== null).length;
  const sentence = `${judged} of ${all.length} cells have at least ${minPositives} labels of each kind`;
  return { gate: 'labels', passed: judged > 0, sentence };
}

/** Not inferior: an interval that reaches below the margin leaves too large a loss possible. */
function meanAuc({ auc }: Measured, { mean }: LoopConfig['gates']): GateResult[] {
  const { serving, next, difference } = auc;
  if (serving === null || next === null) return [];
  if (difference === null)
    return [{ gate: 'mean AUC', passed: false, sentence: 'too few units to say what the difference is worth' }];
  const passed = difference.low >= -mean;
  const sentence =
    `mean AUC ${number(next)}, the model that serves ${number(serving)}: ${interval(difference)}, ` +
    `${passed ? 'not' : 'possibly'} more than ${mean} below it`;
  return [{ gate: 'mean AUC', passed, sentence }];
}

/** Proven losses alone: in a cell with few labels the interval is wide, and one of many cells is always unlucky. */
function cells({ cells: all }: Measured, { cell: margin }: LoopConfig['gates']): GateResult[] {
  const judged = all.flatMap(({ auc, ...names }) => (auc === null ? [] : [{ ...names, ...auc }]));
  if (judged.length === 0) return [];
  const lost = judged.filter(({ difference }) => difference.high < -margin);
  const worst = judged.reduce((a, b) => (b.difference.value < a.difference.value ? b : a));
  const name = `${worst.scenario}/${worst.task}`;
  const sentence =
    lost.length === 0
      ? `no cell is shown to lose more than ${margin} AUC; the lowest is ${name}, ${interval(worst.difference)}`
      : `${lost.length} of ${judged.length} cells lose more than ${margin} AUC; the lowest is ${name}, ${interval(worst.difference)}`;
  return [{ gate: 'cells', passed: lost.length === 0, sentence }];
}

/** Where tastes change, no model that was trained before is calibrated: then the better one is still the better one. */
function calibration({ calibrationError: { serving, next } }: Measured, rule: LoopConfig['gates']): GateResult {
  const { calibrationError: most } = rule;
  const passed = next !== null && (next <= most || (serving !== null && next <= serving));
  const [found, before] = [next, serving].map((value) => (value === null ? 'not defined' : number(value)));
  const allowed = `allowed is ${most}, or that of the model that serves, ${before}`;
  return { gate: 'calibration', passed, sentence: `the mean calibration error is ${found}; ${allowed}` };
}

function drift({ drift: found }: Measured, { drift: most, driftExcept }: LoopConfig['gates']): GateResult {
  const judged = Object.entries(found).filter(([name]) => !driftExcept.includes(name));
  const [first] = judged.sort(([, a], [, b]) => b - a);
  if (first === undefined) return { gate: 'drift', passed: true, sentence: 'no field is judged' };
  const [name, index] = first;
  const sentence = `the values of ${name} drift most: population stability index ${number(index)}, at most ${most} is allowed`;
  return { gate: 'drift', passed: index <= most, sentence };
}

function requests({ requests: { tried, failing } }: Measured, failure: string | undefined): GateResult {
  const none = tried === 0 ? 'no answers of the log keep values that could be repeated' : undefined;
  const sentence = none ?? `${failing} of ${tried} answers of the log cannot be repeated`;
  return {
    gate: 'requests',
    passed: failing === 0,
    sentence: failure === undefined ? sentence : `${sentence}: ${failure}`,
  };
}
