/**
 * Score expressions compute one number from a row's probabilities. They have a small grammar and are never evaluated as code:
 *
 *   sum      = product { ('+' | '-') product }
 *   product  = signed { ('*' | '/') signed }
 *   signed   = ('+' | '-') signed | power
 *   power    = atom [ '^' signed ]                 right-associative: a ^ b ^ c is a ^ (b ^ c); -a ^ 2 is -(a ^ 2)
 *   atom     = number | task | function '(' sum { ',' sum } ')' | '(' sum ')'
 *
 * A name that is both a task and a function is the task unless a parenthesis follows.
 */
import { error } from '../../base/errors/index.ts';
import { nearest } from '../../base/nearest.ts';

/** Computes the score of a row from its probabilities, in the order of the tasks. */
export type Score = (probabilities: ArrayLike<number>) => number;

/** Longer or deeper expressions are refused, because they may come from a request. */
const MOST_CHARACTERS = 4096;
const MOST_DEPTH = 100;

interface FunctionRule {
  min: number;
  max: number;
  of: (...values: number[]) => number;
}

const FUNCTIONS = new Map<string, FunctionRule>([
  ['min', { min: 1, max: Number.POSITIVE_INFINITY, of: Math.min }],
  ['max', { min: 1, max: Number.POSITIVE_INFINITY, of: Math.max }],
  ['log', { min: 1, max: 1, of: Math.log }],
  ['exp', { min: 1, max: 1, of: Math.exp }],
  ['pow', { min: 2, max: 2, of: Math.pow }],
]);

/** The default score: the mean of all tasks. */
export const defaultScore = (tasks: readonly string[]): string =>
  tasks.length === 1 ? tasks[0] : `(${tasks.join(' + ')}) / ${tasks.length}`;

/**
 * Compiles an expression over the tasks' probabilities. The score may not be finite, for example log(0).
 *
 * @throws SCORE_INVALID with the position, and the nearest known name for an unknown one
 */
export function compileScore(expression: string, tasks: readonly string[]): Score {
  const fail = (position: number, problem: string) => error('SCORE_INVALID', { expression, position, problem });
  if (expression.length > MOST_CHARACTERS)
    throw error('SCORE_INVALID', {
      expression: `${expression.slice(0, 60)}…`,
      position: 0,
      problem: `it has ${expression.length} characters, at most ${MOST_CHARACTERS} are allowed`,
    });
  const tokens = tokenize(expression, fail);
  let at = 0;
  let depth = 0;
  const peek = (): Token => tokens[at];
  const take = (...texts: string[]): Token | undefined =>
    texts.includes(peek().text) && peek().kind === 'sign' ? tokens[at++] : undefined;
  const expect = (text: string): void => {
    if (take(text) === undefined) throw fail(peek().position, `expected "${text}", found ${shown(peek())}`);
  };
  const chain = (part: () => Score, signs: Record<string, (a: number, b: number) => number>): Score => {
    let left = part();
    for (let sign = take(...Object.keys(signs)); sign !== undefined; sign = take(...Object.keys(signs))) {
      const [first, second, combine] = [left, part(), signs[sign.text]];
      left = (p) => combine(first(p), second(p));
    }
    return left;
  };

  const sum = (): Score => chain(product, { '+': (a, b) => a + b, '-': (a, b) => a - b });
  const product = (): Score => chain(signed, { '*': (a, b) => a * b, '/': (a, b) => a / b });
  const signed = (): Score => {
    if (++depth > MOST_DEPTH) throw fail(peek().position, `it is nested more than ${MOST_DEPTH} deep`);
    const sign = take('+', '-');
    const value = sign === undefined ? power() : signed();
    depth--;
    return sign?.text === '-' ? (p) => -value(p) : value;
  };
  const power = (): Score => {
    const base = atom();
    if (take('^') === undefined) return base;
    const exponent = signed();
    return (p) => base(p) ** exponent(p);
  };
  const atom = (): Score => {
    const token = peek();
    at++;
    if (token.kind === 'number') {
      const value = Number(token.text);
      if (value === Number.POSITIVE_INFINITY) throw fail(token.position, `${token.text} is too large`);
      return () => value;
    }
    if (token.kind === 'name') return peek().text === '(' ? call(token) : task(token);
    if (token.text === '(') {
      const inner = sum();
      expect(')');
      return inner;
    }
    throw fail(token.position, `expected a task, a number or "(", found ${shown(token)}`);
  };
  const call = ({ text: name, position }: Token): Score => {
    const rule = FUNCTIONS.get(name);
    if (rule === undefined) throw fail(position, unknown('function', name, [...FUNCTIONS.keys()]));
    expect('(');
    const values = [sum()];
    while (take(',') !== undefined) values.push(sum());
    expect(')');
    const { min, max, of } = rule;
    if (values.length < min || values.length > max)
      throw fail(position, `${name} takes ${min === max ? min : `at least ${min}`} values, found ${values.length}`);
    return (p) => of(...values.map((value) => value(p)));
  };
  const task = ({ text: name, position }: Token): Score => {
    const index = tasks.indexOf(name);
    if (index < 0) throw fail(position, unknown('task', name, tasks));
    return (p) => p[index];
  };

  const score = sum();
  if (peek().kind !== 'end') throw fail(peek().position, `expected an operator or the end, found ${shown(peek())}`);
  return score;
}

interface Token {
  kind: 'number' | 'name' | 'sign' | 'end';
  text: string;
  position: number;
}

const TOKEN =
  /\s*(?:(?<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?<name>[A-Za-z_][A-Za-z0-9_]*)|(?<sign>[-+*/^(),]))/y;

function tokenize(expression: string, fail: (position: number, problem: string) => Error): Token[] {
  const tokens: Token[] = [];
  const end = expression.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex;
    const found = TOKEN.exec(expression);
    const { number, name, sign } = found?.groups ?? {};
    const text = number ?? name ?? sign;
    if (found === null || text === undefined) {
      const position = from + (/\S/.exec(expression.slice(from))?.index ?? 0);
      throw fail(position, `found ${JSON.stringify(expression[position])}, which means nothing here`);
    }
    const kind = number !== undefined ? 'number' : name !== undefined ? 'name' : 'sign';
    tokens.push({ kind, text, position: TOKEN.lastIndex - text.length });
  }
  return [...tokens, { kind: 'end', text: '', position: end }];
}

const shown = ({ kind, text }: Token): string => (kind === 'end' ? 'the end' : `"${text}"`);

function unknown(what: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known, 3);
  return `there is no ${what} "${name}"${near === undefined ? ` (known: ${known.join(', ')})` : `: did you mean "${near}"?`}`;
}
