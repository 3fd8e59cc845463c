import { describe, expect, test } from 'vitest';
import { partsOf } from '../../../src/data/init/separators.ts';

const texts = (count: number, of: (i: number) => string): string[] => [
  ...new Set(Array.from({ length: count }, (_, i) => of(i))),
];
const GENRES = ['Action', 'Comedy', 'Drama', 'Film-Noir', 'Sci-Fi', 'War', 'Western'];
const some = <T>(list: T[], i: number, most: number): T[] =>
  list.filter((_, k) => (i * 7 + k * 5) % 11 < 4).slice(0, 1 + (i % most));

describe('lists', () => {
  test.each<[string, string, string[]]>([
    ['genres', '|', texts(200, (i) => some(GENRES, i, 3).join('|') || 'Drama')],
    ['a few of them', ';', ['a', 'a;b', 'a;b;c']],
    ['a few, in order', '|', ['a|d', 'a|b', 'c', 'b|d', 'c|d']],
    ['two lists side by side', '|', texts(60, (i) => `t${i % 3}|t${i % 5}`)],
    ['with blanks', ', ', texts(200, (i) => some(GENRES, i, 4).join(', ') || 'War')],
    ['with blanks on both sides', ' | ', texts(200, (i) => some(GENRES, i, 4).join(' | ') || 'War')],
    [
      'ids of items seen before',
      ',',
      texts(500, (i) => [i % 83, (i * 7) % 83, (i * 11) % 83].slice(0, 1 + (i % 3)).join(',')),
    ],
    ['one or two tags by number', ',', texts(500, (i) => (i % 2 ? `${i % 60}` : `${i % 60},${(i * 7) % 60}`))],
    ['always two of a kind', ';', texts(400, (i) => `${GENRES[i % 7]};${GENRES[(i + 1 + (i % 5)) % 7]}`)],
  ])('%s', (_what, separator, list) => {
    expect(partsOf(list)).toMatchObject({ separator, isList: true });
  });
});

describe('not lists', () => {
  test.each<[string, string[], RegExp]>([
    ['titles with a bar', texts(300, (i) => `Film ${i} | The Site`), /place|again/],
    [
      'names',
      texts(
        900,
        (i) => `${['Smith', 'Jones', 'Nguyen', 'Li'][i % 4]}${i % 60}, ${['John', 'Ann', 'Bo'][i % 3]}${i % 40}`,
      ),
      /place|again/,
    ],
    [
      'names, some of one word',
      texts(900, (i) => (i % 9 ? `Last${i % 70}, First${i % 30}` : `Solo${i}`)),
      /place|again/,
    ],
    ['sentences', texts(300, (i) => `We saw number ${i}, and then, after ${i * 3} days, nothing`), /long|again/],
    ['addresses of pages', texts(300, (i) => `https://a.b/p?x=${i % 9};y=${i % 7}`), /addresses/],
    [
      'dates with a comma',
      texts(400, (i) => `${['Jan', 'Feb', 'Mar'][i % 3]} ${1 + (i % 28)}, ${2000 + (i % 20)}`),
      /place/,
    ],
    ['dates in three parts', texts(400, (i) => `${2000 + (i % 20)};${1 + (i % 12)};${1 + (i % 28)}`), /place/],
    ['coordinates', texts(400, (i) => `${50 + (i % 80) / 100},${8 + (i % 70) / 100}`), /numbers|place/],
    ['decimal commas', texts(400, (i) => `${i % 50},${String(i % 100).padStart(2, '0')}`), /numbers/],
    ['thousands', texts(400, (i) => (1000 + i * 4321).toLocaleString('en-US')), /numbers/],
    ['a country and its city', texts(400, (i) => `${['DE', 'FR', 'US'][i % 3]}|City${i % 60}`), /place/],
    ['JSON', texts(400, (i) => `["${GENRES[i % 7]}","${GENRES[(i * 3) % 7]}"]`), /JSON/],
    ['cities with their country', texts(400, (i) => `City${i % 150}, ${['DE', 'FR', 'US'][i % 3]}`), /place/],
  ])('%s', (_what, list, because) => {
    const found = partsOf(list);
    expect(found?.isList).toBe(false);
    expect(found?.because).toMatch(because);
  });

  test('texts without a separator say nothing', () => {
    expect(partsOf(texts(100, (i) => `2026-01-${i}`))).toBeUndefined();
  });
});
