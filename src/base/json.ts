/** JSON from files that others may have written. */

/** Levels of arrays and objects inside each other: what is written here has fewer than 20. */
const MOST_LEVELS = 100;

/**
 * JSON.parse for files: functions that walk the value may recurse, since it is not nested deeper than 100 levels.
 *
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  checkDepth(text);
  return JSON.parse(text);
}

/** Counts brackets outside of strings. */
function checkDepth(text: string): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === BACKSLASH) i++;
      else if (char === QUOTE) inString = false;
    } else if (char === QUOTE) inString = true;
    else if (char === OPEN_BRACKET || char === OPEN_BRACE) {
      if (++depth > MOST_LEVELS) throw new SyntaxError(`it is nested deeper than ${MOST_LEVELS} levels`);
    } else if (char === CLOSE_BRACKET || char === CLOSE_BRACE) depth--;
  }
}

const [QUOTE, BACKSLASH, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = Buffer.from('"\\[]{}');

/** An object that is no array. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
