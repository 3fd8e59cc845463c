/** JSON of configurations: no key twice, not nested deep. */
import { parseJson } from '../../base/json.ts';

/** The value of a text. Throws SyntaxError. */
export function parseStrictJson(text: string): unknown {
  const value = parseJson(text);
  checkKeys(text);
  return value;
}

/** A text, or what stands around it; all else of valid JSON does not matter here. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;

/** Looks for a key that occurs twice in its object, in a text that is valid JSON. */
function checkKeys(text: string): void {
  /** Keys so far of each open object, undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let last = '';
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const keys = open.at(-1);
      const key = JSON.parse(last) as string;
      if (keys?.has(key)) throw new SyntaxError(`the key ${last} occurs twice in an object`);
      keys?.add(key);
    }
    last = token;
  }
}
