/** What the size of data means, in words and figures. */
import { expect, test } from 'vitest';
import {
  apartText,
  aucError,
  type CellSize,
  fewText,
  meanAucError,
  sizeRemarks,
} from '../../../src/data/checks/size.ts';
import type { Statistics } from '../../../src/data/prepare/statistics.ts';

const cell = (positives: number, negatives: number, scenario = 'home'): CellSize => ({
  scenario,
  task: 'click',
  positives,
  negatives,
});

test('cells with few positives or negatives are named, the smallest first', () => {
  expect(fewText([cell(30, 30), cell(0, 0)])).toBeUndefined(); // a cell without labels is not learned at all
  const text = fewText([
    cell(500, 500),
    cell(29, 900, 'mail'),
    cell(900, 3, 'app'),
    cell(12, 80, 'b'),
    cell(20, 80, 'c'),
  ]);
  expect(text).toMatch(
    /^4 of 5 cells have .* \(app, click: 3 negatives; b, click: 12 positives; c, click: 20 positives; and 1 more\): /,
  );
});

test('the standard error of a mean over cells that count, and the rows that would tell 0.01', () => {
  const one = aucError(100, 400);
  expect(meanAucError([cell(100, 400)])).toBeCloseTo(one, 12);
  expect(meanAucError([cell(100, 400), cell(100, 400), cell(9, 400)])).toBeCloseTo(one / Math.SQRT2, 12);
  expect(meanAucError([cell(9, 400)])).toBeUndefined();
  expect(apartText(500, [cell(9, 400)])).toMatch(
    /^no cell of the 500 validation rows has 10 positives and 10 negatives/,
  );
  expect(apartText(50_000, [cell(10_000, 40_000)])).toBeUndefined();
  const text = apartText(500, [cell(100, 400)]) ?? '';
  expect(text).toContain(`500 validation rows tell the mean AUC to ±${one.toFixed(4)}`);
  // With the rows that it asks for, it asks for no more.
  const needed = Number(/about ([\d,]+) rows/.exec(text)?.[1].replaceAll(',', ''));
  expect(needed).toBeGreaterThan(10_000);
  expect(apartText(needed, [cell(needed / 5, (4 * needed) / 5)])).toBeUndefined();
});

test('remarks on a prepared data set and a network', () => {
  const perSplit = (values: number) => ({
    train: { missing: 0, outOfVocabulary: 500, values, outOfVocabularyShare: 0 },
  });
  const statistics: Statistics = {
    rows: { train: 5000, validation: 500, test: 500 },
    leftOut: 0,
    fields: [
      { field: 'user', cardinality: 2000, perSplit: perSplit(5000) },
      { field: 'age', cardinality: 9, perSplit: perSplit(5000) },
      { field: 'session', cardinality: 2000, perSplit: perSplit(5000) },
    ],
    cells: ['train', 'validation'].flatMap((split) =>
      ['home', 'mail'].map((scenario) => ({
        split,
        scenario,
        task: 'click',
        rows: split === 'train' ? 2500 : 250,
        positives: scenario === 'home' ? 60 : 12,
        unlabelled: 0,
      })),
    ),
  };
  const field = (name: string, values: number) => ({ name, kind: 'categorical', size: values + 2 });
  const manifest = {
    fields: [field('user', 2000), field('age', 9), field('session', 2000)],
    splits: { train: { rows: 5000 }, validation: { rows: 500 }, test: { rows: 500 } },
    config: { fields: [{}, {}, { hash: 2000 }] }, // how often hashed values come is not known
  } as never;
  const found = sizeRemarks(manifest, statistics, { denseParameters: 50_000 });
  expect(found.map(({ about }) => about)).toEqual(['network', 'ids', 'cells', 'validation']);
  const [network, ids, cells] = found.map(({ message }) => message);
  expect(network).toContain('the network has 50,000 parameters without embeddings, more than the 5,000 training rows');
  expect(ids).toContain('field "user" has 2,000 values, each in 2.3 rows on average');
  expect(cells).toContain(
    '1 of 2 cells have fewer than 30 positives or negatives to train on (mail, click: 12 positives)',
  );
  const home = sizeRemarks(manifest, statistics, { denseParameters: 5000, scenarios: ['home'], tasks: ['click'] });
  expect(home.map(({ about }) => about)).toEqual(['ids', 'validation']);
});
