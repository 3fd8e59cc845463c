import { test } from 'vitest';
import { expectSameIds } from './encoder-cases.ts';

test('SQL and the row encoder give the same ids, whatever the values', () =>
  expectSameIds({ numRuns: 6, rowsAtMost: 120 }));
