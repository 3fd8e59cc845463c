/** Guesses what a column is for, from its name and its values. Every guess is told in words, for the reader to judge. */
import type { ColumnProfile } from './profile.ts';
import { SEPARATORS } from './profile.ts';

/** A guess and why. */
export interface Guess<T> {
  value: T;
  because: string;
}

const words = (...list: string[]): RegExp => new RegExp(`(^|_)(${list.join('|')})(_|\\d*$)`, 'i');

const LABEL_NAME = words(
  ...['labels?', 'target', 'click(s|ed)?', 'like[sd]?', 'follow(ed|s)?', 'shared?', 'forward(ed)?', 'comment(ed|s)?'],
  ...['buy', 'bought', 'purchased?', 'order(ed)?', 'pa(y|id)', 'convert(ed)?', 'conversion', 'install(ed)?', 'saved?'],
  ...['subscribed?', 'finish(ed)?', 'long_?view', 'favou?rited?', 'cart', 'hate', 'reply', 'repost', 'apply'],
);
const RATING_NAME = words('ratings?', 'stars?', 'score', 'grade');
const SCENARIO_NAMES = [
  words('scenarios?', 'scene', 'domain', 'domain_?indicator'),
  words('tab', 'channel', 'surface', 'page', 'placement', 'slot'),
  words('country', 'market', 'site', 'region', 'locale', 'platform', 'app'),
];
const TIME_NAME = words('time(stamp)?', 'time_?ms', 'ts', 'date', 'datetime', 'created(_at)?', 'day');
const USER_NAME = words('users?', 'uid', 'member', 'customer', 'visitor', 'viewer', 'session', 'device_?id');
const ID_NAME = /(^|_)(id|uid|key|code|zip)$|Id$/;

const isInteger = (c: ColumnProfile): boolean => /INT/.test(c.type);
const isNumber = (c: ColumnProfile): boolean => isInteger(c) || /^(FLOAT|DOUBLE|DECIMAL)/.test(c.type);
const isTime = (c: ColumnProfile): boolean => /^(DATE|TIMESTAMP)/.test(c.type);
const isBinary = (c: ColumnProfile): boolean =>
  c.distinct === 2 && (c.type === 'BOOLEAN' || (isNumber(c) && Number(c.least) === 0 && Number(c.most) === 1));

/** Columns that are labels: 0/1 with a label's name, else every 0/1 column called is_ or has_ something. */
export function labelColumns(columns: ColumnProfile[]): ColumnProfile[] {
  const named = namedLabels(columns);
  return named.length > 0 ? named : columns.filter((c) => isBinary(c) && /^(is|has|did)_/i.test(c.name));
}

/** Those with the name of a label; others, such as is_author, may as well be features. */
export const namedLabels = (columns: ColumnProfile[]): ColumnProfile[] =>
  columns.filter((c) => isBinary(c) && LABEL_NAME.test(c.name));

/** A column of marks from which a label can be cut. */
export const ratingColumn = (columns: ColumnProfile[]): ColumnProfile | undefined =>
  columns.find((c) => isNumber(c) && c.distinct >= 3 && c.distinct <= 100 && RATING_NAME.test(c.name));

/** The likeliest scenario column: 2 to 20 values and a telling name. */
export const scenarioColumn = (columns: ColumnProfile[]): ColumnProfile | undefined =>
  SCENARIO_NAMES.flatMap((name) =>
    columns.filter(
      (c) =>
        name.test(c.name) && c.distinct >= 2 && c.distinct <= 20 && (isInteger(c) || /VARCHAR|BOOLEAN/.test(c.type)),
    ),
  ).at(0);

/** The column with the most different times. Texts count only where they sort as times do. */
export const timeColumn = (columns: ColumnProfile[]): ColumnProfile | undefined =>
  columns
    .filter((c) => c.missing === 0 && c.distinct >= 10)
    .filter((c) => isTime(c) || (TIME_NAME.test(c.name) && (isNumber(c) || isIsoText(c))))
    .sort((a, b) => b.distinct - a.distinct)
    .at(0);

const isIsoText = (c: ColumnProfile): boolean =>
  c.type === 'VARCHAR' && [c.least, c.most].every((t) => /^\d{4}-\d\d-\d\d/.test(t));

export const userColumn = (columns: ColumnProfile[], rows: number): ColumnProfile | undefined =>
  columns.find((c) => USER_NAME.test(c.name) && c.distinct >= 2 && c.distinct < 0.9 * rows);

export type FieldGuess =
  | { kind: 'categorical' }
  | { kind: 'numeric'; quantiles: number }
  | { kind: 'multi'; separator?: string };

/**
 * What kind of field a column could be; undefined with the reason where it had better be none. A key, which names a user
 * or joins a table, is categorical.
 */
export function fieldGuess(c: ColumnProfile, rows: number, isKey: boolean): Guess<FieldGuess | undefined> {
  const values = `${c.estimated ? 'about ' : ''}${c.distinct.toLocaleString('en-US')} values${c.missing > 0 ? `, ${(100 * c.missing).toFixed(1)} % missing` : ''}`;
  const no = (because: string): Guess<undefined> => ({ value: undefined, because });
  if (c.distinct === 0) return no('has no values');
  if (c.distinct === 1 && c.missing === 0) return no(`is ${c.least} in every row`);
  if (c.type.endsWith('[]')) return { value: { kind: 'multi' }, because: `a list; ${values}` };
  if (isTime(c)) return no('is a time: not known again at serving');
  const isId = isKey || ID_NAME.test(c.name);
  if (rows >= 100 && c.distinct >= 0.9 * rows * (1 - c.missing) && !(isNumber(c) && !isId))
    return no(`has a value of its own in nearly every row (${values})`);
  if (c.type === 'VARCHAR') {
    const separator = SEPARATORS.find((s) => c.separated[s] >= 0.2);
    if (separator !== undefined && c.length < 200)
      return { value: { kind: 'multi', separator }, because: `several values between "${separator}"; ${values}` };
    if (c.length > 40) return no(`is free text (${Math.round(c.length)} characters on average)`);
    return { value: { kind: 'categorical' }, because: values };
  }
  if (!isNumber(c) || isId || c.distinct <= (isInteger(c) ? 100 : 20))
    return c.type === 'BOOLEAN' || isNumber(c)
      ? { value: { kind: 'categorical' }, because: values }
      : no(`is of type ${c.type}`);
  return { value: { kind: 'numeric', quantiles: 20 }, because: `from ${c.least} to ${c.most}; ${values}` };
}
