/**
 * Is a text a list of several values? Decided by the parts between separators, over different texts: the parts of lists are
 * few, short and come again, in any place; those of titles and sentences hardly come again; those of names and records
 * ("Smith, John", a latitude and a longitude) belong to their place.
 */
export interface TextParts {
  /** What stands between the values, blanks included. */
  separator: string;
  isList: boolean;
  /** Why not, in words. */
  because: string;
}

/** Between the values of a multi-value field, likeliest first. */
export const SEPARATORS = ['|', ';', ','];

/** What the texts' parts say; undefined where hardly any text has a separator. */
export function partsOf(texts: readonly string[]): TextParts | undefined {
  const some = SEPARATORS.find((s) => texts.filter((text) => text.includes(s)).length >= 0.2 * texts.length);
  if (some === undefined) return undefined;
  const separator = withBlanks(texts, some);
  const because = reasonAgainst(texts, separator);
  return { separator, isList: because === undefined, because: because ?? '' };
}

/** The separator with the blanks that stand at it in every text: nothing is trimmed later. */
function withBlanks(texts: readonly string[], separator: string): string {
  const gaps = texts.flatMap((text) => [...text.matchAll(new RegExp(` ?[${separator}] ?`, 'g'))].map(([gap]) => gap));
  return gaps.every((gap) => gap === gaps[0]) ? gaps[0] : separator;
}

const MOST_WORDS = 3;
const MOST_CHARACTERS = 40;

function reasonAgainst(texts: readonly string[], separator: string): string | undefined {
  if (share(texts, (text) => /^\s*[[{]/.test(text)) > 0.5) return 'its texts look like JSON';
  if (share(texts, (text) => /:\/\//.test(text)) > 0.2) return 'its texts are addresses';
  const lists = texts.map((text) => text.split(separator).filter((part) => part.trim() !== ''));
  const several = lists.filter((list) => list.length > 1);
  if (several.length === 0) return 'its texts have one part';
  if (isNumber(texts)) return 'its texts are numbers with a comma in them';
  const parts = several.flat();
  if (share(parts, (part) => part.trim().split(/\s+/).length > MOST_WORDS || part.length > MOST_CHARACTERS) > 0.1)
    return 'its parts are long';
  if (share(parts, (part) => part !== part.trim()) > 0.01) return 'its parts begin or end with blanks';
  const different = new Set(parts).size / parts.length;
  if (different > 0.6 && texts.length > 5) return 'its parts hardly come again';
  const elsewhere = shareOfPartsSeenFirst(several);
  const lengths = new Set(lists.map((list) => list.length));
  // A bare bar or semicolon is hardly ever anything but a separator of lists, a comma often is.
  const isPlain = separator === '|' || separator === ';';
  if (lengths.size === 1 && elsewhere < (isPlain ? 0.3 : 0.6))
    return `its texts have ${several[0].length} parts each, which belong to their place`;
  if (!isPlain && elsewhere < 0.3 && (lengths.size < 3 || (different > 0.5 && texts.length > 5)))
    return 'its parts belong to their place';
  return undefined;
}

const share = <T>(list: readonly T[], is: (one: T) => boolean): number =>
  list.filter(is).length / Math.max(1, list.length);

/** A pair of coordinates, decimal commas ("3,05"), thousands ("1,234,567"). */
function isNumber(texts: readonly string[]): boolean {
  const matching = (pattern: RegExp): number => share(texts, (text) => pattern.test(text));
  if (matching(/^-?\d+\.\d+, ?-?\d+\.\d+$/) > 0.5) return true;
  if (matching(/^-?\d+(,\d+)?$/) > 0.95 && texts.some((text) => /,0\d/.test(text))) return true;
  const thousands = /^-?(\d{1,3})(,\d{3})+(\.\d+)?$/;
  return (
    share(texts, (text) => thousands.test(text) || /^-?\d{1,3}(\.\d+)?$/.test(text)) > 0.95 &&
    texts.some((text) => (thousands.exec(text)?.[1].length ?? 3) < 3)
  );
}

/** Of the parts that stand behind another, the share that stands first in some text. */
function shareOfPartsSeenFirst(lists: readonly string[][]): number {
  const first = new Set(lists.map(([part]) => part));
  const later = lists.flatMap((list) => list.slice(1));
  return later.filter((part) => first.has(part)).length / Math.max(1, later.length);
}
