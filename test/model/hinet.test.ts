/** What only HiNet promises: what a row gets from its own scenario, from the others and from what all share. */
import { expect, test } from 'vitest';
import { findModel } from '../../src/model/registry.ts';
import { diagnostics, scoringFeeds } from './diagnostics.ts';
import { setupOf } from './support.ts';

const WIDTH = 3;
const OPTIONS = { embeddingDim: 4, scenarioDim: 2, subExpertDims: [5, WIDTH], expertDims: [4], towerDims: [] };

/** [A ; own ; G] of one and the same row in each of the scenarios. The attention's logits are the given ones for all. */
function inEachScenario(attention: number[]) {
  const scenarios = attention.length;
  const setup = setupOf(findModel('hinet'), OPTIONS, { fields: 2, scenarios, tasks: 2 }, 'train');
  const feeds = scoringFeeds(setup, scenarios);
  const { data } = feeds.embedding;
  for (let row = 1; row < scenarios; row++) data.copyWithin(row * 8, 0, 8);
  feeds.scenario.data.set(attention.map((_, s) => s));
  feeds['attention.kernel'].data.fill(0);
  feeds['attention.bias'].data.set(attention);
  const { scenarioLayer } = diagnostics(setup, feeds);
  return attention.map((_, row) =>
    [0, 1, 2].map((part) => scenarioLayer.data.slice((3 * row + part) * WIDTH, (3 * row + part + 1) * WIDTH)),
  );
}

test('the others lend by a softmax over all scenarios, which is not rescaled without the own', () => {
  const [a, b, c] = inEachScenario([Math.log(1), Math.log(2), Math.log(5)]); // softmax 1/8, 2/8, 5/8
  const shares = [
    [0, 2 / 8, 5 / 8],
    [1 / 8, 0, 5 / 8],
    [1 / 8, 2 / 8, 0],
  ];
  [a, b, c].forEach(([lent], row) => {
    lent.forEach((value, i) => {
      const expected = [a, b, c].reduce((sum, [, own], s) => sum + shares[row][s] * own[i], 0);
      expect(value, `lent to scenario ${row}`).toBeCloseTo(expected, 5);
    });
  });
  expect(a[1]).not.toEqual(b[1]);
  expect(b[2]).toEqual(a[2]);
  expect(c[2]).toEqual(a[2]);
});

test('a lone scenario has nobody to borrow from', () => {
  const [[lent, own]] = inEachScenario([0.3]);
  expect([...lent]).toEqual([0, 0, 0]);
  expect(own.some((value) => value !== 0)).toBe(true);
});
