/** A whole name against `*` (any text), `?` (one character) and `{a,b}` (either). */
export function globPattern(glob: string): RegExp {
  const source = glob.replaceAll(/[.+^$()|[\]\\]|[*?{},]/g, (found) => {
    if (found === '*') return '.*';
    if (found === '?') return '.';
    if (found === '{') return '(?:';
    if (found === '}') return ')';
    return found === ',' && insideBraces(glob) ? '|' : `\\${found}`;
  });
  return new RegExp(`^${source}$`);
}

const insideBraces = (glob: string): boolean => glob.includes('{');
