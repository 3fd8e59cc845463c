import { expect, test } from 'vitest';
import { editDistance, nearest } from '../../src/base/nearest.ts';

test.each([
  ['', '', 0],
  ['', 'abc', 3],
  ['kitten', 'sitting', 3],
  ['flaw', 'lawn', 2],
  ['user', 'user', 0],
])('from "%s" to "%s" are %i edits', (a, b, edits) => {
  expect(editDistance(a, b)).toBe(edits);
  expect(editDistance(b, a)).toBe(edits);
});

test('the nearest name, letter case and punctuation aside', () => {
  expect(nearest('usr', ['item', 'user', 'age'])).toBe('user');
  expect(nearest('user_id', ['UserAge', 'UserID'])).toBe('UserID');
  expect(nearest('country', ['item', 'user'], 2)).toBeUndefined();
  expect(nearest('user', [])).toBeUndefined();
});
