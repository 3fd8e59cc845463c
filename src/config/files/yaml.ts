/**
 * YAML of configurations: the core schema, without tags, and with few aliases. What is nested deep or repeats itself is refused before
 * it is put together: the library's time and stack grow with it.
 */
import { type Document, isCollection, isMap, isScalar, Lexer, type Node, Parser, parseDocument, visit } from 'yaml';

/** Levels of the parser's stack: two or three for a level of the value. */
const MOST_LEVELS = 250;
const MOST_ANCHORS = 1000;
/** Also what an alias may be expanded to. */
const MOST_ALIASES = 100;
const MOST_ERRORS = 5;

/** The value of a text, or what is wrong with it, with line and column. */
export function parseYaml(text: string): { value: unknown } | { problems: string[] } {
  const excess = tooMuch(text);
  if (excess !== undefined) return { problems: [excess] };
  // The library compares every key with every other; `duplicates` does not.
  const document = parseDocument(text, { uniqueKeys: false });
  const problems = [...document.errors, ...document.warnings].map(({ message }) => message);
  if (problems.length === 0) problems.push(...keyProblems(document, text));
  const others = problems.length - MOST_ERRORS;
  if (problems.length > 0)
    return { problems: [...problems.slice(0, MOST_ERRORS), ...(others > 0 ? [`and ${others} more`] : [])] };
  try {
    return { value: document.toJS({ maxAliasCount: MOST_ALIASES }) };
  } catch (cause) {
    return { problems: [cause instanceof ReferenceError ? cause.message : 'it cannot be put together'] };
  }
}

/** What a text has too much of, found without putting it together. */
function tooMuch(text: string): string | undefined {
  const parser = new Parser();
  const counts = { '&': 0, '*': 0, '!': 0 };
  let line = 1;
  for (const lexeme of new Lexer().lex(text)) {
    for (const _ of parser.next(lexeme)) line += 0;
    if (parser.stack.length > MOST_LEVELS) return `line ${line}: it is nested too deep`;
    const first = lexeme[0];
    if (first === '&' || first === '*' || first === '!') counts[first]++;
    if (counts['&'] > MOST_ANCHORS) return `line ${line}: more than ${MOST_ANCHORS} anchors (&name)`;
    if (counts['*'] > MOST_ALIASES) return `line ${line}: more than ${MOST_ALIASES} aliases (*name)`;
    if (counts['!'] > MOST_ALIASES) return `line ${line}: more than ${MOST_ALIASES} tags (!name)`;
    for (let at = lexeme.indexOf('\n'); at >= 0; at = lexeme.indexOf('\n', at + 1)) line++;
  }
  return undefined;
}

/** Keys that occur twice in their map, and keys that are none. */
function keyProblems(document: Document.Parsed, text: string): string[] {
  const problems: string[] = [];
  const lineOf = (node: Node | null): number => text.slice(0, node?.range?.[0] ?? 0).split('\n').length;
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const { key } of isMap(map) ? map.items : []) {
        if (problems.length > MOST_ERRORS) return visit.BREAK;
        if (isCollection(key)) problems.push(`line ${lineOf(key)}: a list or map as a key`);
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name)) problems.push(`line ${lineOf(key)}: the key ${JSON.stringify(name)} occurs twice`);
        seen.add(name);
      }
      return undefined;
    },
  });
  return problems;
}
