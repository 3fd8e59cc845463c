import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileScore, defaultScore } from '../../src/store/artifact/score.ts';

const TASKS = ['click', 'buy', 'min'];
const P = [0.5, 0.25, 0.125];

test.each([
  ['click * 0.3 + buy', 0.4],
  ['click - buy - 0.125', 0.125],
  ['click / buy / 2', 1],
  ['2 ^ 3 ^ 2', 512],
  ['-click ^ 2', -0.25],
  ['2 ^ -1', 0.5],
  ['-(click + buy) * -2', 1.5],
  ['min(click, buy, 1e-1)', 0.1],
  ['max(click) + min', 0.625],
  ['pow(click, 2) + exp(0) + log(exp(1))', 2.25],
  [' (((.5)))', 0.5],
])('%s is %d', (expression, expected) => {
  expect(compileScore(expression, TASKS)(P)).toBeCloseTo(expected, 12);
});

test('the default is the mean of all tasks', () => {
  expect(defaultScore(['click'])).toBe('click');
  expect(compileScore(defaultScore(TASKS), TASKS)(P)).toBeCloseTo((0.5 + 0.25 + 0.125) / 3, 12);
});

test.each([
  ['', 1, 'found the end'],
  ['click +', 8, 'found the end'],
  ['(click', 7, 'expected ")"'],
  ['click click', 7, 'expected an operator or the end'],
  ['clik * 2', 1, 'did you mean "click"?'],
  ['click * purchase', 9, 'there is no task "purchase" (known: click, buy, min)'],
  ['sqrt(click)', 1, 'there is no function "sqrt"'],
  ['pow(click)', 1, 'pow takes 2 values, found 1'],
  ['click; buy', 6, 'found ";"'],
  ['click.constructor', 6, 'found "."'],
  ['constructor', 1, 'there is no task "constructor"'],
  ['__proto__(1)', 1, 'there is no function "__proto__"'],
  ['1e400', 1, 'too large'],
])('%j is refused at place %d', (expression, place, problem) => {
  expect(() => compileScore(expression, TASKS)).toThrow(
    expect.objectContaining({
      code: 'SCORE_INVALID',
      message: expect.stringMatching(new RegExp(`at place ${place}: .*${problem.replaceAll(/[?()]/g, '\\$&')}`)),
    }),
  );
});

test('what is long or deep is refused, not computed', () => {
  for (const expression of ['1 + '.repeat(2000), '('.repeat(2000), '-'.repeat(4000), '2^'.repeat(2000)])
    expect(() => compileScore(expression, TASKS)).toThrow(expect.objectContaining({ code: 'SCORE_INVALID' }));
});

/** An expression with every pair of parentheses, and its value worked out beside it. */
const { tree } = fc.letrec<{ tree: { text: string; value: number } }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.double({ min: 0, max: 10, noNaN: true }).map((value) => ({ text: String(value), value })),
    fc.constantFrom(...TASKS.map((text, t) => ({ text, value: P[t] }))),
    fc.tuple(tie('tree'), fc.constantFrom('+', '-', '*', '/', '^'), tie('tree')).map(([a, sign, b]) => ({
      text: `(${a.text} ${sign} ${b.text})`,
      value: {
        '+': a.value + b.value,
        '-': a.value - b.value,
        '*': a.value * b.value,
        '/': a.value / b.value,
        '^': a.value ** b.value,
      }[sign] as number,
    })),
    fc
      .tuple(tie('tree'), tie('tree'))
      .map(([a, b]) => ({ text: `max(${a.text}, ${b.text})`, value: Math.max(a.value, b.value) })),
    tie('tree').map(({ text, value }) => ({ text: `(-${text})`, value: -value })),
  ),
}));

test('any expression has the value that JavaScript gives it', () => {
  fc.assert(fc.property(tree, ({ text, value }) => void expect(compileScore(text, TASKS)(P)).toBe(value)));
});

test('any text is either computed or refused with its place', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc
      .array(fc.constantFrom('click', 'buy', '1', '(', ')', '+', '-', '^', ',', 'max(', ' ', '.'), { maxLength: 12 })
      .map((parts) => parts.join('')),
  );
  const property = fc.property(text, (expression) => {
    try {
      expect(compileScore(expression, TASKS)(P)).toBeTypeOf('number');
    } catch (cause) {
      expect(cause).toMatchObject({ code: 'SCORE_INVALID' });
    }
  });
  fc.assert(property, { numRuns: 500 });
});
