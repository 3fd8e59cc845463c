import { expect, test } from 'vitest';
import { markdownTable } from '../../src/base/markdown.ts';

test('a table, numbers to the right, with names that hold bars and line ends', () => {
  expect(markdownTable(['model', 'AUC'], [['a|b\nc', ' 0.7 ']], 'right')).toEqual([
    '| model | AUC |',
    '| --- | ---: |',
    '| a\\|b c | 0.7 |',
  ]);
  expect(markdownTable(['only heads', ''], [])).toEqual(['| only heads |  |', '| --- | --- |']);
});
