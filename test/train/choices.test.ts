/** What rows choose: counts by hand, and those of a run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runRanks } from '../../src/comm/memory.ts';
import { openPrepared } from '../../src/data/prepared/open.ts';
import { gridToJson } from '../../src/documents/grid.ts';
import { addChoices, noChoices } from '../../src/inference/choices.ts';
import { choiceTable } from '../../src/report/flow-rates.ts';
import { markdownTable } from '../../src/report/table.ts';
import { loadModel } from '../../src/store/run/model-file.ts';
import { readResult } from '../../src/store/run/run-folder.ts';
import { type EvaluateOptions, evaluateRun } from '../../src/train/evaluate-run.ts';
import { float } from '../graph/support.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from './support.ts';

test('counts of two batches, by hand', () => {
  const counts = noChoices(3);
  const batch = (...scenario: number[]) => ({ size: scenario.length, scenario: Int32Array.from(scenario) });
  addChoices(counts, batch(0, 2), { 'choice.top': float([1, 0, 0, 1], 2, 2), logits: float([9, 9], 2, 1) });
  addChoices(counts, batch(2, 2), { 'choice.top': float([1, 1, 0, 1], 2, 2) });
  const chosen = {
    top: [
      [1, 0],
      [0, 0],
      [1, 3],
    ],
  };
  expect(counts).toEqual({ rows: [1, 0, 3], chosen });
  expect(markdownTable(choiceTable(counts, ['feed', 'home', 'search']) ?? [])).toEqual([
    '| choice | scenario | 0 | 1 | rows |',
    '| --- | --- | ---: | ---: | ---: |',
    '| top | feed | 1.000 | 0.000 | 1 |',
    '| top | home | - | - | 0 |',
    '| top | search | 0.333 | 1.000 | 3 |',
  ]);
  expect(choiceTable(noChoices(3), ['feed', 'home', 'search'])).toBeUndefined();
});

/** Everything that a step may carry on: moving averages, noise with a schedule, dropout. */
const MODEL = {
  key: 'aesm2',
  embeddingDim: 4,
  scenarioDim: 2,
  taskDim: 2,
  scenarioLayers: [{ layers: 1, experts: 4, kSpecific: 1, kShared: 2, expertDims: [8] }],
  taskLayers: { experts: 3, kSpecific: 2, kShared: 1, expertDims: [6] },
  towerDims: [],
  expertNorm: 'batch',
  gateNorm: 'batch',
  noise: 0.5,
  dropout: 0.1,
};

const temporary = temporaryFolder();
afterAll(() => temporary.remove());
const at = (name: string): string => join(temporary.path, name);
let data: string;
beforeAll(async () => {
  data = await prepareSmall(temporary.path);
  await trainWithStops(await makeRun(at('whole'), data, { model: MODEL, train: { maxEpochs: 2 } }));
});

test('a run tells how often its test rows use each expert', async () => {
  const { choices } = await evaluateRun(at('whole'), 'test');
  const { manifest } = await openPrepared(data);
  const layers = { 'scenario.0.0': [4, 2, 3], 'task.0.0': [3, 2, 3], 'task.0.1': [3, 2, 3] };
  expect(Object.keys(choices?.chosen ?? {})).toEqual(Object.keys(layers));
  expect(choices?.rows.reduce((sum, n) => sum + n)).toBe(manifest.splits.test.rows);
  const report = readFileSync(join(at('whole'), 'report.md'), 'utf8');
  // The document that it is written from.
  const result = readResult(at('whole'));
  expect(result?.reliability?.map(({ buckets }) => buckets.reduce((sum, { rows }) => sum + rows, 0))).toEqual(
    result?.test.cells.map(({ rows }) => rows),
  );
  for (const [name, [experts, least, most]] of Object.entries(layers))
    choices?.chosen[name].forEach((counts, s) => {
      const rows = choices.rows[s];
      expect(counts).toHaveLength(experts);
      for (const count of counts) expect(count).toBeLessThanOrEqual(rows);
      const uses = counts.reduce((sum, n) => sum + n);
      expect(uses).toBeGreaterThanOrEqual(least * rows);
      expect(uses).toBeLessThanOrEqual(most * rows);
      expect(report).toContain(`| ${name} | ${manifest.scenarios[s]} | ${(counts[0] / rows).toFixed(3)} |`);
    });
});

test('over ranks: the same metrics and choices', async () => {
  const measured = async (options: EvaluateOptions) => {
    const { grid, choices } = await evaluateRun(at('whole'), 'test', options);
    return { grid: gridToJson(grid), choices };
  };
  const alone = await measured({});
  const [first, second] = await runRanks(2, (ranks) => measured({ ranks }));
  expect(second).toEqual(first);
  expect(first.choices).toEqual(alone.choices);
  // A batch of another size may round differently.
  const [numbers, expected] = [first, alone].map(({ grid }) =>
    JSON.stringify(grid)
      .match(/-?[\d.]+(e-\d+)?/g)
      ?.map(Number),
  );
  numbers?.forEach((number, i) => {
    expect(number).toBeCloseTo(expected?.[i] as number, 8);
  });
});

test('a run that was stopped in between ends in the same bits', async () => {
  await trainWithStops(await makeRun(at('stopped'), data, { model: MODEL, train: { maxEpochs: 2 } }), [1, 4]);
  const [whole, stopped] = [loadModel(at('whole')).tensors, loadModel(at('stopped')).tensors];
  expect([...whole.keys()].filter((name) => name.startsWith('buffer.'))).toHaveLength(8);
  for (const [name, { data: numbers }] of whole) expect(stopped.get(name)?.data, name).toEqual(numbers);
});
