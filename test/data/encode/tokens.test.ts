import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { naturalLogarithm } from '../../../src/data/encode/logarithm.ts';
import { bucketOf, hashedId, numberOf, tokenOf, tokensOf } from '../../../src/data/encode/tokens.ts';
import { fixture } from '../support.ts';

const { cases } = JSON.parse(readFileSync(fixture('rules/numeric-bucket.json'), 'utf8')) as {
  cases: [number, number][];
};

describe('buckets', () => {
  test.each(cases)('logSquare of %f is %i', (value, bucket) => {
    expect(bucketOf('logSquare', value)).toBe(bucket);
  });

  test('the logarithm is within two units in the last place of Math.log', () => {
    fc.assert(
      fc.property(fc.double({ min: 2, max: Number.MAX_VALUE, noNaN: true }), (value) => {
        expect(Math.abs(naturalLogarithm(value) / Math.log(value) - 1)).toBeLessThanOrEqual(2 * Number.EPSILON);
      }),
    );
    expect(naturalLogarithm(1024)).toBe(10 * Math.LN2);
  });

  test('edges: how many are <= v', () => {
    const edges = fc
      .uniqueArray(fc.integer({ min: -20, max: 20 }), { minLength: 1 })
      .map((e) => e.sort((a, b) => a - b));
    fc.assert(
      fc.property(edges, fc.integer({ min: -25, max: 25 }), (edges, v) => {
        expect(bucketOf({ edges }, v)).toBe(edges.filter((edge) => edge <= v).length);
      }),
    );
  });
});

describe('tokens', () => {
  test.each([
    ['a', 'a'],
    [' a ', ' a '],
    [3, '3'],
    [3.5, '3.5'],
    [-0, '0'],
    [1e21, '1e+21'],
    [9007199254740993n, '9007199254740993'],
    [true, 'true'],
    ['', undefined],
    [null, undefined],
    [undefined, undefined],
    [Number.NaN, undefined],
    [-Infinity, undefined],
  ])('%o -> %o', (value, token) => {
    expect(tokenOf(value, 'x')).toBe(token);
  });

  test('of a multi-value field: present values first, then the length', () => {
    expect(tokensOf('a||b|c', '|', 2, 'x')).toEqual(['a', 'b']);
    expect(tokensOf('a::b', '::', 9, 'x')).toEqual(['a', 'b']);
    expect(tokensOf([null, 1, '', 2n], '|', 9, 'x')).toEqual(['1', '2']);
    expect(tokensOf(7, '|', 9, 'x')).toEqual(['7']);
    expect(tokensOf(undefined, '|', 9, 'x')).toEqual([]);
  });

  test('a long text has the parts that it has when it is split, and costs no more than its first parts', () => {
    const pieces = fc.array(fc.constantFrom('', '', 'a', 'bc', ':', '::', '|', 'x'.repeat(300)), { maxLength: 12 });
    fc.assert(
      fc.property(
        pieces,
        fc.constantFrom('|', '::', ':|'),
        fc.integer({ min: 1, max: 9 }),
        (parts, separator, most) => {
          const text = `${parts.join(separator)}${separator.repeat(1000)}z`;
          const expected = text.split(separator).filter((part) => part !== '');
          expect(tokensOf(text, separator, most, 'x')).toEqual(expected.slice(0, most));
        },
      ),
    );
  });

  test('a long text that is almost a number is refused at once', () => {
    const before = performance.now();
    expect(() => numberOf(`${'1'.repeat(1_000_000)}x`, 'x')).toThrow(/not a number/);
    expect(performance.now() - before).toBeLessThan(1000);
  });

  test('numbers of texts that are plain decimals, and of nothing else', () => {
    expect([' 1.5 ', '-2e3', '.5', '', null, 3n, true].map((v) => numberOf(v, 'x'))).toEqual([
      1.5,
      -2000,
      0.5,
      undefined,
      undefined,
      3,
      1,
    ]);
    for (const text of ['0x10', '1_000', 'NaN', '1,5', 'Infinity', '-'])
      expect(() => numberOf(text, 'x')).toThrow(/not a number/);
  });

  test('a hash is the first 8 bytes of the MD5, little endian', () => {
    // md5('abc') = 900150983cd24fb0..., 0xb04fd23c98500190 = 12704604231530709392
    expect(hashedId('abc', 1000)).toBe(2 + 392);
    expect(hashedId('abc', 1)).toBe(2);
  });
});
