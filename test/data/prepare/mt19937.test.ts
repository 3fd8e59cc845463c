import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mt19937, permutation } from '../../../src/data/prepare/mt19937.ts';
import { randomSplit } from '../../../src/data/prepare/split.ts';
import { fixture } from '../support.ts';

test('the first words of the reference implementation, seeded with 5489', () => {
  const next = mt19937(5489);
  expect(Array.from({ length: 5 }, () => next())).toEqual([3499211612, 581869302, 3890346734, 3586334585, 545404204]);
});

test('the ten thousandth word of the C++ standard', () => {
  const next = mt19937(5489);
  for (let i = 1; i < 10_000; i++) next();
  expect(next()).toBe(4123659995);
});

test('a permutation holds every number once', () => {
  expect([...permutation(1000, 7)].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  expect(permutation(1, 7)).toEqual(new Int32Array([0]));
  expect(permutation(0, 7)).toEqual(new Int32Array([]));
});

const { cases } = JSON.parse(readFileSync(fixture('rules/random-split.json'), 'utf8')) as {
  cases: {
    n: number;
    seed: number;
    ratio: [number, number, number];
    train: number[];
    valid: number[];
    test: number[];
  }[];
};

test.each(cases)('the split of $n rows', ({ n, seed, ratio, train, valid, test }) => {
  const split = randomSplit(n, ratio, seed);
  const rows = new Int32Array(n); // rows in order of their places
  split.places.forEach((place, row) => {
    rows[place] = row;
  });
  const parts = [rows.subarray(0, split.train), rows.subarray(split.train, split.train + split.validation)];
  expect([...parts[0]]).toEqual(train);
  expect([...parts[1]]).toEqual(valid);
  expect([...rows.subarray(split.train + split.validation)]).toEqual(test);
});
