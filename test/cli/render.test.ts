import { expect, test } from 'vitest';
import {
  bar,
  epochLine,
  flowsText,
  losses,
  progressLine,
  progressLines,
  resultText,
  startText,
} from '../../src/cli/print/render.ts';
import type { TrainingEvent } from '../../src/train/run/events.ts';
import { story } from './support.ts';

const pick = async <K extends TrainingEvent['event']>(kind: K) =>
  (await story()).find((event) => event.event === kind) as Extract<TrainingEvent, { event: K }>;

test('a bar fills from 0 to 100 %', () => {
  expect(bar(0)).toBe('[>                       ]   0%');
  expect(bar(0.5)).toBe('[============>           ]  50%');
  expect(bar(1)).toBe('[========================] 100%');
});

test('a task without a label so far has no loss', () => {
  expect(losses({ click: 0.5, like: Number.NaN })).toBe('click 0.5000, like -');
});

test('the start says what is trained on what', async () => {
  expect(startText(await pick('start'))).toMatchInlineSnapshot(`
    "training autoifs on shop in runs/a
      rows        8,000 train, 1,000 validation, 1,000 test
      scenarios   home, search
      tasks       click
      parameters  19,171 dense, 2,651 x 8 embeddings
      size        the network has more parameters than rows"
  `);
  expect(startText({ ...(await pick('start')), resumed: true })).toMatch(/^resuming autoifs on shop in runs\/a\n/);
  const placed = { count: 2, tables: 'sharded', reason: 'train.tables is sharded' } as const;
  expect(startText({ ...(await pick('start')), ranks: placed })).toContain(
    '\n  ranks       2, which share the rows of tables: train.tables is sharded\n',
  );
  expect(startText({ ...(await pick('start')), ranks: { ...placed, tables: 'replicated' } })).toContain(
    '\n  ranks       2, each with whole tables: ',
  );
});

test('progress as two lines to redraw, or one to keep', async () => {
  const event = await pick('progress');
  expect(progressLines(event).join('\n')).toMatchInlineSnapshot(`
    "search 1/2  [======>                 ]  25%  81,235 rows/s  1 min 15 s left at most
    loss  click 0.6123"
  `);
  expect(progressLine(event)).toMatchInlineSnapshot(
    `"search 1/2  step 4/16  loss click 0.6123  81,235 rows/s  1 min 15 s left at most"`,
  );
});

test('an epoch in one line', async () => {
  expect(epochLine(await pick('epoch'))).toMatchInlineSnapshot(
    `"search 1/2  loss click 0.6000  validation AUC 1.0000, log loss 0.8923 (best)  2.3 s  80,000 rows/s"`,
  );
});

test('an epoch says whether its own figures are the best, or those of an earlier validation', async () => {
  const event = await pick('epoch');
  expect(epochLine({ ...event, bestStep: 11 })).toContain('log loss 0.8923 (best at step 11)  2.3 s');
  expect(epochLine({ ...event, best: false, bestStep: undefined })).toContain('log loss 0.8923  2.3 s');
});

test('an epoch shows weights of tasks that are not all 1', async () => {
  const event = { ...(await pick('epoch')), losses: { click: 0.6, like: 0.4 } };
  expect(epochLine({ ...event, taskWeights: { click: 1, like: 1 } })).not.toContain('weights');
  expect(epochLine({ ...event, taskWeights: { click: 0.75, like: 1.25 } })).toContain(
    'loss click 0.6000, like 0.4000  weights click 0.7500, like 1.2500  validation',
  );
});

test('keep-rates: a line per cell, a column per flow, a dash without rows', async () => {
  const event = await pick('flows');
  expect(flowsText(event)).toMatchInlineSnapshot(`
    "flow keep-rates: share of the training rows for which a flow reaches the task
    scenario  task   a -> b  c -> d   rows
    home      click   1.000   0.250  8,000
    search    click       -       -      0"
  `);
  expect(flowsText(event, (s, _t, flow) => (s === 0 && flow === 1 ? ' *' : '  '))).toContain('0.250 *');
});

test('the result has grid, epochs, time and place', async () => {
  expect(resultText(await pick('result'))).toMatchInlineSnapshot(`
    "
    test rows
               click
    scenario      AUC  log loss  positives  rows
    home       1.0000    0.4714          1     3
    search      - [1]    1.3133          0     1

    mean of 1 of 2 cells: AUC 1.0000, log loss 0.8923, calibration error 0.5340
    [1] undefined: all labels are 0

    2 search epochs, 1 retrain epoch, 13 s
    run: runs/a (all results are in report.md)"
  `);
});
