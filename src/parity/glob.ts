/** A whole name against `*` (any text), `?` (one character) and `{a,b}` (either). */
export function globPattern(glob: string): RegExp {
  const source = glob.replaceAll(/\{([^{}]*)\}|[^{}]+|[{}]/g, (part, choices?: string) =>
    choices === undefined ? literal(part) : `(?:${choices.split(',').map(literal).join('|')})`,
  );
  return new RegExp(`^${source}$`);
}

const literal = (text: string): string =>
  text
    .replaceAll(/[.+^$()|[\]{}\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
