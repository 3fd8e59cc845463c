/** The row encoder against the SQL encoder: the same values through both ways give the same ids. */
import { describe, expect, test } from 'vitest';
import { createRowEncoder } from '../../../src/data/encode/encoder.ts';
import { dataset } from '../support.ts';
import { bothWays, expectSameIds } from './encoder-cases.ts';

describe('SQL and the row encoder give the same ids', () => {
  test('whatever the values', () => expectSameIds({ numRuns: 1, rowsAtMost: 30 }));

  test('and these ids, worked out by hand', async () => {
    // Rows 0 and 3 are test rows: `c` and 7 are not in the vocabulary.
    const [text, number, multi] = await bothWays([
      { type: 'VARCHAR', field: { name: 'x', kind: 'categorical' }, values: ['c', 'b', 'a', 'a', 'a', '', null] },
      { type: 'DOUBLE', field: { name: 'x', kind: 'categorical' }, values: [7, 3, -0, 0, 3, Number.NaN, null] },
      {
        type: 'VARCHAR',
        field: { name: 'x', kind: 'multi', maxLength: 2 },
        values: ['b', 'a|b|a', '|a||c', 'zz|a', '', null, 'c'],
      },
    ]);
    expect(text.tokens).toEqual(['', '', 'a', 'b']);
    expect(text.sql).toEqual([[1], [3], [2], [2], [2], [1], [1]]);
    expect(number.tokens).toEqual(['', '', '3', '0']);
    expect(number.sql).toEqual([[1], [2], [3], [3], [2], [1], [1]]);
    // Kept values of the train rows: a b, a c, nothing, nothing.
    expect(multi.tokens).toEqual(['', '', 'a', 'b', 'c']);
    expect(multi.sql).toEqual([
      [3, 0],
      [2, 3],
      [2, 4],
      [1, 2],
      [0, 0],
      [0, 0],
      [4, 0],
    ]);
  });
});

describe('the row encoder', () => {
  const encoder = createRowEncoder({
    config: dataset({
      name: 'x',
      sources: { t: { path: 't.csv' } },
      fields: [
        { name: 'user', kind: 'categorical' },
        { name: 'tags', kind: 'multi', maxLength: 2 },
        { name: 'price', kind: 'numeric', buckets: { edges: [10] } },
      ],
      scenario: { expression: '0', values: [0] },
      tasks: [{ name: 'click', label: '1' }],
    }),
    fields: [
      { name: 'user', kind: 'categorical', offset: 0, size: 4, slots: 1, pooling: 'mean' },
      { name: 'tags', kind: 'multi', offset: 4, size: 3, slots: 2, pooling: 'mean' },
      { name: 'price', kind: 'numeric', offset: 7, size: 4, slots: 1, pooling: 'mean', edges: [10] },
    ],
    tokens: (field) => ({ user: ['', '', 'u1', '7'], tags: ['', '', 'red'], price: ['', '', '0', '1'] })[field] ?? [],
  });

  test('gives table ids, field after field', () => {
    const ids = new Int32Array(4);
    encoder.encode({ user: 7, tags: 'blue|red', price: 12.5 }, ids);
    expect([...ids]).toEqual([3, 5, 6, 10]);
    encoder.encode({}, ids);
    expect([...ids]).toEqual([1, 4, 4, 8]);
  });

  test('encodes a user once and items over copies of the row', () => {
    const ids = new Int32Array(2 * 4);
    encoder.only(['user']).encode({ user: 'u1' }, ids, 0);
    ids.copyWithin(4, 0, 4);
    const items = encoder.only(['tags', 'price']);
    items.encode({ tags: ['red'], price: 3 }, ids, 0);
    items.encode({ tags: [], price: 30 }, ids, 4);
    expect([...ids]).toEqual([2, 6, 4, 9, 2, 4, 4, 10]);
  });

  test('names the field of a value that is none', () => {
    const ids = new Int32Array(4);
    expect(() => encoder.encode({ user: { id: 1 } }, ids)).toThrow(/field "user": found a value of type object/);
    expect(() => encoder.encode({ price: 'cheap' }, ids)).toThrow(/field "price": found "cheap", not a number/);
  });

  test('a lone surrogate is what storing makes of it', () => {
    const one = createRowEncoder({
      config: dataset({
        name: 'x',
        sources: { t: { path: 't.csv' } },
        fields: [{ name: 'x', kind: 'categorical' }],
        scenario: { expression: '0', values: [0] },
        tasks: [{ name: 'click', label: '1' }],
      }),
      fields: [{ name: 'x', kind: 'categorical', offset: 0, size: 3, slots: 1, pooling: 'mean' }],
      tokens: () => ['', '', 'a\ufffd'],
    });
    const ids = new Int32Array(2);
    one.encode({ x: 'a\ud800' }, ids, 0);
    one.encode({ x: '\ud800' }, ids, 1);
    expect([...ids]).toEqual([2, 1]);
  });
});
