import { expect, test } from 'vitest';
import { lineOf } from '../../src/events/line.ts';
import { impression } from './examples.ts';

test('half of a character becomes U+FFFD, whole ones and what only looks like one stay', () => {
  const values = { a: 'x\ud83dy', b: '😀', c: '\\ud83d', d: '\\\\\udc00\ud800', e: '\\"\ud83d', '\ud800': 1 };
  const text = lineOf(impression(1, { values })).bytes.toString();
  expect(JSON.parse(text).values).toEqual({
    a: 'x\ufffdy',
    b: '😀',
    c: '\\ud83d',
    d: '\\\\\ufffd\ufffd',
    e: '\\"\ufffd',
    '\ufffd': 1,
  });
});
