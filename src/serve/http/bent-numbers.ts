/** Finds the numbers of a JSON text that a float64 cannot represent: JSON.parse silently reads them as another number. */

/** A number of a body: its place, its text, and the value that is read. */
export interface BentNumber {
  /** Property names and list indices, from the root. */
  path: (string | number)[];
  /** Its first characters. */
  written: string;
  /** The float64 that is read. */
  value: number;
}

const SHOWN = 40;

/** Must a number at this place be read exactly? */
type Matters = (path: readonly (string | number)[], value: number) => boolean;

/** The first `most` numbers that are read as another number where that matters. `json` must be valid JSON. */
export function bentNumbers(json: string, matters: Matters, most: number): BentNumber[] {
  const found: BentNumber[] = [];
  /** For each open object or list: the name or index of the next value. */
  const path: (string | number)[] = [];
  let text = '';
  for (let i = 0; i < json.length && found.length < most; i++) {
    const character = json[i];
    const last = path.length - 1;
    if (character === '"') {
      const end = endOfText(json, i);
      text = json.slice(i, end);
      i = end - 1;
    } else if (character === '{') path.push('');
    else if (character === '[') path.push(0);
    else if (character === '}' || character === ']') path.pop();
    else if (character === ':') path[last] = JSON.parse(text);
    else if (character === ',') {
      const place = path[last];
      if (typeof place === 'number') path[last] = place + 1;
    } else if (character === '-' || (character >= '0' && character <= '9')) {
      NUMBER.lastIndex = i;
      const [written] = NUMBER.exec(json) as RegExpExecArray;
      i += written.length - 1;
      const value = Number(written);
      if (matters(path, value) && !isExact(written, value))
        found.push({ path: [...path], written: written.slice(0, SHOWN), value });
    }
  }
  return found;
}

const NUMBER = /-?\d[\d.eE+-]*/y;

/** The index after the string that begins at `start`. */
function endOfText(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); ; end = json.indexOf('"', end + 1)) {
    let escapes = 0;
    while (json[end - 1 - escapes] === '\\') escapes++;
    if (escapes % 2 === 0) return end + 1;
  }
}

/** A number of at most 15 digits without a large exponent is exact. */
const SHORT = /^-?[\d.]{1,15}(?:[eE][+-]?\d{1,2})?$/;
const WHOLE = /^-?\d+(?:\.0*)?$/;

/** Is a number read as it is written? The shortest text of a float64 counts as exact: 0.1 does, 0.10000000000000001 does not. */
function isExact(written: string, value: number): boolean {
  if (SHORT.test(written) || (Number.isSafeInteger(value) && WHOLE.test(written))) return true;
  return Number.isFinite(value) && decimal(written) === decimal(String(value));
}

/** The significant digits and their power of ten. */
function decimal(written: string): string {
  const [mantissa, exponent = '0'] = written.replace(/^-/, '').toLowerCase().split(/e\+?/);
  const [whole, fraction = ''] = mantissa.split('.');
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  return end === 0 ? '0' : `${digits.slice(0, end)}e${Number(exponent) - fraction.length + digits.length - end}`;
}
