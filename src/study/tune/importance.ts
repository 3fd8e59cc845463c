/**
 * How strongly the value of trials goes with a parameter: a hint for the next space, not a proof. A method that samples
 * where values are good makes parameters that matter look weaker; with few trials any parameter looks stronger.
 */
import { mean } from '../../base/numbers.ts';
import type { Json, Parameter } from '../../config/tune.ts';
import type { Importance, TrialRecord } from '../../documents/tuning.ts';

const MIN_TRIALS = 8;

/** Strongest first, without parameters that have too few trials. `records`: values after the same number of epochs. */
export function importances(
  records: readonly TrialRecord[],
  space: Readonly<Record<string, Parameter>>,
  better: 'higher' | 'lower',
): Importance[] {
  const found = Object.entries(space).flatMap(([path, { choices }]): Importance[] => {
    const known = records.filter(({ value, parameters }) => value !== null && Object.hasOwn(parameters, path));
    if (known.length < MIN_TRIALS) return [];
    const merit = ranksOf(known.map(({ value }) => (better === 'higher' ? 1 : -1) * (value as number)));
    const settings = known.map(({ parameters }) => parameters[path]);
    const measured = choices === undefined ? ofRange(settings as number[], merit) : ofChoices(settings, merit);
    return measured === undefined ? [] : [{ path, ...measured, trials: known.length }];
  });
  return found.sort((a, b) => b.strength - a.strength);
}

function ofRange(settings: number[], merit: number[]): Pick<Importance, 'strength' | 'better'> | undefined {
  const ranks = ranksOf(settings);
  const spread = Math.sqrt(variation(ranks) * variation(merit));
  if (spread === 0) return undefined;
  const middle = mean(merit);
  const rho = ranks.reduce((sum, rank, i) => sum + (rank - middle) * (merit[i] - middle), 0) / spread;
  return { strength: Math.abs(rho), better: rho < 0 ? 'lower' : 'higher' };
}

function ofChoices(settings: Json[], merit: number[]): Pick<Importance, 'strength' | 'better'> | undefined {
  const groups = new Map<string, number[]>();
  settings.forEach((setting, i) => {
    const key = JSON.stringify(setting);
    groups.set(key, [...(groups.get(key) ?? []), merit[i]]);
  });
  const whole = variation(merit);
  if (groups.size < 2 || whole === 0) return undefined;
  const middle = mean(merit);
  const between = [...groups.values()].reduce((sum, group) => sum + group.length * (mean(group) - middle) ** 2, 0);
  const [[best]] = [...groups].sort(([, a], [, b]) => mean(b) - mean(a));
  return { strength: Math.sqrt(between / whole), better: { choice: JSON.parse(best) } };
}

/** Ranks from 1; equal values share the mean of theirs. */
function ranksOf(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal + 1) / 2;
  });
}

/** Sum of squared distances from the mean. */
function variation(values: readonly number[]): number {
  const middle = mean(values);
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
}
