import { expect, test } from 'vitest';
import { gridToJson } from '../../src/documents/grid.ts';
import { formatGrid } from '../../src/report/grid.ts';
import { evaluate } from '../evaluate/helpers.ts';

const rows = {
  scenarios: ['home', 'search'],
  tasks: ['click', 'like'],
  hasGroup: false,
  logits: [
    [1, 0],
    [0, 0],
    [0, 3],
    [2, 0],
  ],
  labels: [
    [1, 0],
    [0, 0],
    [0, 1],
    [1, Number.NaN],
  ],
  scenario: [0, 0, 1, 1],
  group: [3, 3, 3, 4],
};

test('a table with a line per scenario, a block per task and numbered reasons', async () => {
  expect(formatGrid(await evaluate(rows))).toMatchInlineSnapshot(`
    "           click                               like
    scenario      AUC  log loss  positives  rows     AUC  log loss  positives  rows
    home       1.0000    0.5032          1     2   - [1]    0.6931          0     2
    search     1.0000    0.4100          1     2   - [2]    0.0486          1     1

    mean of 2 of 4 cells: AUC 1.0000, log loss 0.4137, calibration error 0.3104
    [1] undefined: all labels are 0
    [2] undefined: all labels are 1"
  `);
});

test('grouped AUC has a column where it is defined', async () => {
  expect(formatGrid(await evaluate({ ...rows, hasGroup: true }))).toMatchInlineSnapshot(`
    "           click                                                     like
    scenario      AUC  grouped AUC  NDCG@10  log loss  positives  rows     AUC  grouped AUC  NDCG@10  log loss  positives  rows
    home       1.0000       1.0000   1.0000    0.5032          1     2   - [2]        - [1]    - [4]    0.6931          0     2
    search     1.0000        - [1]   1.0000    0.4100          1     2   - [3]        - [1]   1.0000    0.0486          1     1

    mean of 2 of 4 cells: AUC 1.0000, grouped AUC 1.0000, NDCG@10 1.0000, MAP@10 1.0000, log loss 0.4137, calibration error 0.3104
    [1] undefined: no group has both a 0 and a 1
    [2] undefined: all labels are 0
    [3] undefined: all labels are 1
    [4] undefined: no group has a 1"
  `);
});

test('JSON has null and the reason for an undefined metric', async () => {
  const { macro, cells } = gridToJson(await evaluate(rows));
  expect(macro).toEqual({
    auc: 1,
    groupedAuc: null,
    ndcg: null,
    map: null,
    logloss: expect.any(Number),
    calibrationError: expect.any(Number),
  });
  expect(cells).toHaveLength(4);
  expect(cells[1]).toEqual({
    scenario: 'home',
    task: 'like',
    rows: 2,
    positives: 0,
    unlabelled: 0,
    auc: null,
    logloss: Math.log(2),
    groupedAuc: null,
    ndcg: null,
    map: null,
    calibrationError: 0.5,
    positiveRate: 0,
    meanProbability: 0.5,
    reasons: {
      auc: 'all labels are 0',
      groupedAuc: 'the data set has no group key',
      ndcg: 'the data set has no group key',
      map: 'the data set has no group key',
    },
  });
});
