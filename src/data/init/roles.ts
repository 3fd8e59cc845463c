/** Guesses what a column is for, from its name and its values. Every guess says why, for the reader to judge. */
import type { ColumnProfile } from './profile.ts';

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
/** What a name is about stands at its end: `page` and `page_id`, but not `page_rank`. */
const about = (...list: string[]): RegExp => new RegExp(`(^|_)(${list.join('|')})(_?(id|name|type|code|key))?\\d*$`);
const SCENARIO_NAMES = [
  about('scenarios?', 'scene', 'domain', 'domain_?indicator'),
  about('tab', 'channel', 'surface', 'page', 'place', 'placement'),
  about('country', 'market', 'site', 'region', 'locale', 'platform', 'app', 'slot'),
];
const TIME_NAME = words('time(stamp)?', 'time_?ms', 'ts', 'date', 'datetime', 'created(_at)?', 'day', '\\w+_at');
/** Whose rankings grouped AUC looks at, best first. */
const USER_NAMES = [
  words('users?', 'uid', 'member', 'customer'),
  words('visitor', 'viewer', 'device_?id'),
  words('session(_?id)?'),
];
const ID_NAME = /(^|_)(id|uid|uuid|guid|key|code|zip)$/;
/** Names a row, a visit or a request: gone when the next request comes. */
const PASSING_NAME = new RegExp(
  '(^|_)((session|request|req|trace|span|impression|imp|exposure|event|log|row|record|transaction|txn|visit|search|query|batch|message|correlation)_?' +
    '(id|uuid|guid|key|no|nr|num|number|idx|index|hash|token)|uuid|guid|row_?(id|nr|no|num|number)?|index|unnamed_0|rn|' +
    'session|request|trace|sid|rid|reqid)$',
);
const PLACE_NAME =
  /^(\w+_)?(position|pos|rank(ing)?|(rank|slot|list|page|display|show|item|impression|grid)_?(position|pos|index|idx|order|rank|no|num|number))$/;
/** `user_rank` is what a user has reached, not where a row stood. */
const OWN_RANK = /(^|_)(user|member|customer|seller|author|shop|brand|level|page|sales|popularity)_rank$/;

/** `userId` and `User ID` are read as `user_id`. */
const wordsOf = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '')
    .toLowerCase();

const has = (pattern: RegExp, c: ColumnProfile): boolean => pattern.test(wordsOf(c.name));

const isInteger = (c: ColumnProfile): boolean => /INT/.test(c.type);
const isNumber = (c: ColumnProfile): boolean => isInteger(c) || /^(FLOAT|DOUBLE|DECIMAL)/.test(c.type);
const isTime = (c: ColumnProfile): boolean => /^(DATE|TIMESTAMP)/.test(c.type);
const isBinary = (c: ColumnProfile): boolean =>
  c.distinct === 2 && (c.type === 'BOOLEAN' || (isNumber(c) && Number(c.least) === 0 && Number(c.most) === 1));

/** Columns that are labels: 0/1 with a label's name, else every 0/1 column called is_ or has_ something. */
export function labelColumns(columns: ColumnProfile[]): ColumnProfile[] {
  const named = namedLabels(columns);
  return named.length > 0 ? named : columns.filter((c) => isBinary(c) && has(/^(is|has|did)_/, c));
}

/** Those with the name of a label; others, such as is_author, may as well be features. */
export const namedLabels = (columns: ColumnProfile[]): ColumnProfile[] =>
  columns.filter((c) => isBinary(c) && has(LABEL_NAME, c));

/** A column of marks from which a label can be cut. */
export const ratingColumn = (columns: ColumnProfile[]): ColumnProfile | undefined =>
  columns.find((c) => isNumber(c) && c.distinct >= 3 && c.distinct <= 100 && has(RATING_NAME, c));

/** Scenario columns, the likeliest first: 2 to 20 values and a telling name. */
export const scenarioColumns = (columns: ColumnProfile[]): ColumnProfile[] =>
  SCENARIO_NAMES.flatMap((name) =>
    columns.filter(
      (c) =>
        has(name, c) &&
        !isPlace(c) &&
        c.distinct >= 2 &&
        c.distinct <= 20 &&
        (isInteger(c) || /^(VARCHAR|BOOLEAN)$/.test(c.type)),
    ),
  );

/** Share of the rows that may have no time in a column of times. */
const UNREADABLE = 0.05;

/** The column with the most different times. Texts count where they are dates that can be read; a few rows may have none. */
export const timeColumn = (columns: ColumnProfile[]): ColumnProfile | undefined =>
  columns
    .filter((c) => c.missing <= UNREADABLE && c.distinct >= 10)
    .filter((c) => isTime(c) || isTimeText(c) || (isNumber(c) && has(TIME_NAME, c)))
    .sort((a, b) => Number(isTimeOfDay(a)) - Number(isTimeOfDay(b)) || b.distinct - a.distinct)
    .at(0);

const isTimeText = (c: ColumnProfile): boolean => c.type === 'VARCHAR' && timesMissing(c) <= UNREADABLE;

/** Days of another order than year, month, day: nobody can tell which of them is the month. */
const isOtherDate = (c: ColumnProfile): boolean => c.type === 'VARCHAR' && c.dates > 0.9 * c.rows * (1 - c.missing);

const otherDate = (c: ColumnProfile): string =>
  `is a date that is not written year, month, day (such as ${c.least}): not known again at serving, but a split can go by strptime(${c.name}, ...)`;

/** A number that comes again every day tells no order. */
const isTimeOfDay = (c: ColumnProfile): boolean => isNumber(c) && Number(c.most) <= 2400;

/** Share of the rows without a time: none, or a text that is none. */
const timesMissing = (c: ColumnProfile): number => (c.type === 'VARCHAR' ? 1 - c.times / c.rows : c.missing);

export const userColumn = (columns: ColumnProfile[]): ColumnProfile | undefined =>
  USER_NAMES.flatMap((name) =>
    columns.filter((c) => has(name, c) && c.distinct >= 2 && c.distinct < 0.9 * c.rows && !c.type.endsWith('[]')),
  ).at(0);

export type FieldGuess =
  | { kind: 'categorical' }
  | { kind: 'numeric'; quantiles: number }
  | { kind: 'multi'; separator?: string };

/**
 * What kind of field a column could be; undefined with the reason where it had better be none. A key, which names a user
 * or joins a table, is categorical. `isBase`: is the column of the rows themselves, not of a joined table?
 */
export function fieldGuess(c: ColumnProfile, isKey: boolean, isBase: boolean): Guess<FieldGuess | undefined> {
  const values = `${c.estimated ? 'about ' : ''}${c.distinct.toLocaleString('en-US')} values${c.missing > 0 ? `, ${(100 * c.missing).toFixed(1)} % missing` : ''}`;
  const no = (because: string): Guess<undefined> => ({ value: undefined, because });
  if (c.distinct === 0) return no('has no values');
  if (c.distinct === 1 && c.missing === 0) return no(`is ${c.least} in every row`);
  if (c.type.endsWith('[]')) return { value: { kind: 'multi' }, because: `a list; ${values}` };
  if (isTime(c) || isTimeText(c) || isClock(c)) return no('is a time: not known again at serving');
  if (isOtherDate(c)) return no(otherDate(c));
  if (isBase && isPlace(c))
    return no('is where the row stood: not known before ranking, and learning it repeats the old ranking');
  const passing = isKey ? undefined : identifierOf(c, values);
  if (passing !== undefined) return no(passing);
  const isId = isKey || has(ID_NAME, c);
  if (c.rows >= 100 && c.distinct >= 0.9 * c.rows * (1 - c.missing) && !(isNumber(c) && !isId))
    return no(`has a value of its own in nearly every row (${values})`);
  if (c.type === 'VARCHAR') {
    if (c.parts?.isList && c.length < 200) {
      const { separator } = c.parts;
      return { value: { kind: 'multi', separator }, because: `several values between "${separator}"; ${values}` };
    }
    const single = c.parts === undefined ? '' : `; no list: ${c.parts.because}`;
    if (c.length > 40) return no(`is free text (${Math.round(c.length)} characters on average${single})`);
    return { value: { kind: 'categorical' }, because: `${values}${single}` };
  }
  if (!isNumber(c) || isId || c.distinct <= (isInteger(c) ? 100 : 20))
    return c.type === 'BOOLEAN' || isNumber(c)
      ? { value: { kind: 'categorical' }, because: values }
      : no(`is of type ${c.type}`);
  return { value: { kind: 'numeric', quantiles: 20 }, because: `from ${c.least} to ${c.most}; ${values}` };
}

const isPlace = (c: ColumnProfile): boolean => isNumber(c) && has(PLACE_NAME, c) && !has(OWN_RANK, c);

/** Seconds or milliseconds since 1970 in a column with the name of a time. */
const isClock = (c: ColumnProfile): boolean => {
  const [least, most] = [Number(c.least), Number(c.most)];
  const within = (unit: number): boolean => least > 3e8 * unit && most < 4e9 * unit;
  return isNumber(c) && c.distinct > 2 && has(TIME_NAME, c) && [1, 1e3, 1e6, 1e9].some(within);
};

/** Does its name say that it names rows, visits or requests? */
export const isPassing = (c: ColumnProfile): boolean => has(PASSING_NAME, c);

/** Says so where values name rows, visits or requests, which do not come again. */
function identifierOf(c: ColumnProfile, values: string): string | undefined {
  const present = c.rows * (1 - c.missing);
  const few = c.distinct <= 100 && c.distinct < present / 10;
  if (isPassing(c) && !few) return `names a row, visit or request, which does not come again (${values})`;
  if (c.hexadecimal > 0.9 && c.distinct > present / 3) return `holds identifiers that hardly come again (${values})`;
  if (!isInteger(c) || c.rows < 100 || c.distinct < 0.99 * present) return undefined;
  const [least, most] = [Number(c.least), Number(c.most)];
  if (most - least < 1.2 * c.distinct) return `numbers the rows (${values}, from ${c.least} to ${c.most})`;
  return most > 1e12 ? `holds identifiers that hardly come again (${values})` : undefined;
}
