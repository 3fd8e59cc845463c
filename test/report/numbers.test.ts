import { expect, test } from 'vitest';
import { signed } from '../../src/report/numbers.ts';

test.each([
  [0.1, '+0.1000'],
  [-0.1, '-0.1000'],
  [0.00005, '+0.0001'],
  [-0.00006, '-0.0001'],
  [0.00004, '0.0000'],
  [-0.00004, '0.0000'],
  [0, '0.0000'],
  [-0, '0.0000'],
])('the difference %d reads %s', (value, text) => {
  expect(signed(value)).toBe(text);
});
