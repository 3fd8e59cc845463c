/** Runs that learn some scenarios or tasks alone. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { datasetSchema } from '../../../src/config/dataset.ts';
import { loadRunConfig } from '../../../src/config/load.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { modelSizes } from '../../../src/inference/model/sizes.ts';
import { findModel, models } from '../../../src/model/registry.ts';
import { readJsonLines } from '../../../src/store/json-lines.ts';
import { loadModel } from '../../../src/store/run/model-file.ts';
import { modelCost } from '../../../src/train/cost.ts';
import { newRun } from '../../../src/train/run/new-run.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../support.ts';

const temporary = temporaryFolder();
let data: string;
beforeAll(async () => {
  data = await prepareSmall(temporary.path);
});
afterAll(() => temporary.remove());

interface Line {
  kind: string;
  losses: Record<string, number | null>;
  validation: Grid;
  test: Grid;
}
interface Grid {
  macro: { auc: number };
  cells: { scenario: string; task: string; rows: number; auc: number | null }[];
}

const measured = ({ cells }: Grid): string[] =>
  cells.filter(({ rows }) => rows > 0).map(({ scenario, task }) => `${scenario} ${task}`);

test.each([
  [{ tasks: ['buy'] }, ['feed buy', 'search buy']],
  [{ scenarios: ['search'] }, ['search click', 'search buy']],
  [{ scenarios: ['feed'], tasks: ['click'] }, ['feed click']],
])('%j: nothing else is trained on, watched or measured; a stop changes no bit', async (part, cells) => {
  const name = JSON.stringify(part).replaceAll(/\W+/g, '-');
  const [whole, stopped] = [join(temporary.path, `whole${name}`), join(temporary.path, `stopped${name}`)];
  const train = { ...part, maxEpochs: 2, patience: 2 };
  await trainWithStops(await makeRun(whole, data, { train }));
  await trainWithStops(await makeRun(stopped, data, { train }), [1, 3, 4]); // gates of the part's rows are cached, too
  const lines = readJsonLines(join(whole, 'metrics.jsonl')) as Line[];
  const epochs = lines.filter(({ kind }) => kind === 'epoch');
  expect(epochs.length).toBeGreaterThan(2);
  for (const { losses, validation } of epochs) {
    expect(measured(validation)).toEqual(cells);
    if ('tasks' in part) expect(Object.keys(losses).filter((task) => losses[task] !== null)).toEqual(part.tasks);
  }
  expect(measured((lines.at(-1) as Line).test)).toEqual(cells);
  const [a, b] = [loadModel(whole).tensors, loadModel(stopped).tensors];
  for (const [tensor, { data: numbers }] of a) expect(b.get(tensor)?.data, tensor).toEqual(numbers);
});

test('unknown names are told with those that the data have', async () => {
  const prepared = await openPrepared(data);
  const run = await loadRunConfig({
    models,
    flags: { model: { key: 'mmoe' }, train: { tasks: ['clik'], scenarios: ['home', 'feed'] } },
  });
  await expect(newRun(run, prepared, { folder: join(temporary.path, 'never') })).rejects.toThrow(
    /train\.tasks: the data have no task "clik" \(tasks: click, buy\)\n.*train\.scenarios: the data have no scenario "home" \(scenarios: feed, search\)/,
  );
});

test('the cost of a model, counted by hand', async () => {
  const { manifest } = await openPrepared(data);
  const cost = (key: string, options: object) => {
    const model = findModel(key);
    return modelCost(model, model.options.parse(options), modelSizes(manifest), manifest.tableRows);
  };
  // 4 fields of 4 numbers -> 8 -> a tower of 4 for each of 2 tasks in all scenarios -> 1.
  const shared = cost('shared-bottom', { embeddingDim: 4, bottomDims: [8], towerDims: [4], heads: 'shared' });
  const bottom = 16 * 8;
  const towers = 2 * (8 * 4 + 4 * 1);
  expect(shared).toEqual({
    denseParameters: bottom + 8 + towers + 2 * (4 + 1),
    embeddingParameters: 4 * manifest.tableRows,
    multiplyAddsPerRow: bottom + towers,
  });
  // Gate networks count: keeping all flows does without one, but takes the gates of the row's scenario from a table.
  const options = { embeddingDim: 4, mlpDims: [8, 6] };
  const [learned, kept] = ['learned', 'keep'].map((selection) => cost('autoifs', { ...options, selection }));
  const table = manifest.scenarios.length * 4 * 2;
  expect(learned.multiplyAddsPerRow - kept.multiplyAddsPerRow).toBe(16 * 8 + 8 * 4 * 2 - table);
  expect(learned.denseParameters - kept.denseParameters).toBe(16 * 8 + 8 + (8 + 1) * 4 * 2);
});

test('a part without rows of a split is refused', async () => {
  const lines = Array.from(
    { length: 100 },
    (_, row) => `i${row % 7},${row < 20 ? 0 : 1},${row % 3 === 0 ? 1 : 0},${row}`,
  );
  writeFileSync(join(temporary.path, 'moved.csv'), ['item,place,click,time', ...lines].join('\n'));
  const config = datasetSchema.parse({
    name: 'moved',
    sources: { log: { path: 'moved.csv' } },
    fields: [{ name: 'item', kind: 'categorical' }],
    scenario: { expression: 'place', values: [0, 1], names: ['feed', 'search'] },
    tasks: [{ name: 'click', label: 'click' }],
    split: { kind: 'time', column: 'time' },
  });
  const out = join(temporary.path, 'moved');
  await prepare({ config, sourceFolder: temporary.path, out });
  const run = await makeRun(join(temporary.path, 'moved-run'), out, { train: { scenarios: ['feed'] } });
  await expect(trainWithStops(run)).rejects.toMatchObject({
    code: 'SUBSET_EMPTY',
    message: expect.stringMatching(/has no validation row of "feed"/),
  });
});
