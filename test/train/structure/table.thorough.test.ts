/** The flow test's verdict as the structure of a model. */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSchema } from '../../../src/config/run.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import type { PreparedData } from '../../../src/data/prepared/prepared.ts';
import { FLOW_NAMES, type FlowDocument } from '../../../src/documents/flows.ts';
import type { PartSeconds } from '../../../src/documents/parts.ts';
import { exportRun } from '../../../src/export/export.ts';
import { openModel } from '../../../src/inference/model/finished.ts';
import { openRun, readFlows, readTimings, runPaths } from '../../../src/store/run/run-folder.ts';
import { writeCell } from '../../../src/study/compare/cell.ts';
import { newRun } from '../../../src/train/run/new-run.ts';
import { runTraining } from '../../../src/train/run/run.ts';
import { tableOf } from '../../../src/train/structure/table.ts';
import { prepareSmall, resumesToTheSameBits, temporaryFolder, trainWithStops } from '../support.ts';

const folder = temporaryFolder();
afterAll(folder.remove);
let data: PreparedData;
let made = 0;
beforeAll(async () => {
  data = await openPrepared(await prepareSmall(folder.path, 3000));
});

/** A run of the small data; returns its folder. */
const make = (model: Record<string, unknown>): Promise<string> => {
  const train = { batchSize: 200, evaluationBatchSize: 64, searchEpochs: 1, maxEpochs: 2, metricsEverySteps: 2 };
  const config = runSchema.parse({ seed: 3, model, train });
  return newRun(config, data, { folder: join(folder.path, `run${made++}`) });
};
const tableIn = (run: string): unknown => (openRun(run).config.model as Record<string, unknown>).flows;

test('a run of streams keeps the verdict that it is built from, and resumes with its table', async () => {
  const run = await make({ key: 'streams', embeddingDim: 4 });
  const verdict = readFlows(run) as FlowDocument;
  expect(verdict).toMatchObject({ source: 'labels', dataHash: data.manifest.hash });
  // Clicks depend on the item alone, everywhere: the shared flow reads it.
  expect(verdict.fields.find(({ field }) => field === 'item')?.reads[0]).toBe(true);
  // In so small a log it gains nothing that validation rows can show.
  expect(verdict.structure?.chosen).toBe('keep all');
  expect(tableIn(run)).toEqual(tableIn(await make({ key: 'streams', embeddingDim: 4, flows: 'open' })));
  await trainWithStops(run);
  const report = readFileSync(runPaths(run).report, 'utf8');
  expect(report).toContain('## Flows');
  expect(report).toMatch(
    /Log loss of 300 validation rows after a short training: the rates of the cells 0\.\d{4}; everything kept 0\.\d{4}/,
  );
  // The time of a run includes that of its test.
  const [{ totalSeconds }] = readTimings(run).filter((line) => 'phase' in line);
  expect(totalSeconds).toBeGreaterThan(verdict.cost?.seconds as number);
  // Each part is counted, and the stops counted nothing twice.
  const { parts = {} } = readTimings(run).at(-1) as { parts?: PartSeconds };
  expect(parts).toMatchObject(verdict.cost?.parts as PartSeconds);
  expect(Object.keys(parts)).toEqual([
    'flow test',
    'choice of the structure',
    'steps',
    'validation',
    'checkpoints',
    'test rows',
    'yardsticks',
  ]);
  expect(report).toMatch(/- processor time: \d+\.\d s: flow test \d+\.\d, choice of the structure \d+\.\d/);
  const model = await openModel(run);
  await model.close();
  // An artifact has it, too.
  const out = join(folder.path, 'artifact');
  await exportRun(run, { out });
  expect(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'))).toMatchObject({ verdict });
});

test('a comparison counts the parameters of the structure that was built', async () => {
  const cells = [
    [1, 1],
    [1, 1],
  ];
  const flows = { fields: [['item'], [], [], []], cells: [cells, cells, cells, cells] };
  const built = await make({ key: 'streams', embeddingDim: 4, sharedDims: [2], flows });
  const result = await runTraining({ folder: built, emit: () => undefined, shouldStop: () => false });
  if (result.event !== 'result') throw new Error('it was not stopped');
  const cell = join(folder.path, 'cell');
  cpSync(built, join(cell, 'run'), { recursive: true });
  writeFileSync(join(cell, 'test-logits.f32'), '');
  // As a comparison has it: what the user wrote, before the test.
  const run = runSchema.parse({ model: { key: 'streams', embeddingDim: 4, sharedDims: [2], flows: 'test' } });
  const of = { folder: cell, run, data, name: 'cell', model: 'streams', seed: 1 };
  const { cost } = await writeCell(of, { kind: 'finished', result, peakBytes: 0 });
  expect(cost.denseParameters).toBe(4 + (4 * 2 + 2) + (2 + 1));
});

test('stops and resumes to the same bits', () =>
  resumesToTheSameBits((input) => make({ key: 'streams', embeddingDim: 4, ...(input.model as object) }), {}));

test('a document of `flows --test --json`, progress lines before it or not, gives the same table', async () => {
  const fixed = (table: string) => make({ key: 'autoifs', mlpDims: [8, 8], selection: { table } });
  const cellsIn = (run: string): unknown => (openRun(run).config.model as Record<string, unknown>).selection;
  const tested = await fixed('test');
  const verdict = readFlows(tested);
  const [line, pretty] = ['verdict.jsonl', 'verdict.json'].map((name) => join(folder.path, name));
  writeFileSync(line, `{"event":"note"}\n${JSON.stringify({ event: 'result', ...verdict })}\n`);
  writeFileSync(pretty, JSON.stringify(verdict, undefined, 2));
  for (const flows of [line, pretty]) {
    const run = await fixed(flows);
    expect(cellsIn(run)).toEqual(cellsIn(tested));
    expect({ ...readFlows(run), cost: undefined }).toEqual({ ...verdict, cost: undefined });
  }
});

test('open reads everything and leaves no verdict', async () => {
  const run = await make({ key: 'streams', flows: 'open' });
  const all = ['user', 'item', 'tags', 'place'];
  expect(tableIn(run)).toEqual({
    fields: [all, all, all, all],
    cells: new Array(4).fill([
      [1, 1],
      [1, 1],
    ]),
  });
  expect([existsSync(runPaths(run).flows), readFlows(run)]).toEqual([false, undefined]);
});

test.each([
  ['a missing file', undefined, /there is no such file/],
  ['no JSON', 'shop', /its last line is not JSON/],
  ['another document', '{"schema":"run/1"}', /it does not fit the schema: schema/],
  ['no document', 'null', /it does not fit the schema: schema/],
])('%s is refused and nothing is made', async (_, text, expected) => {
  const path = join(folder.path, `wrong${made}`);
  if (text !== undefined) writeFileSync(path, text);
  await expect(make({ key: 'streams', flows: path })).rejects.toMatchObject({
    code: 'FLOWS_FILE',
    message: expect.stringMatching(expected),
  });
  expect(existsSync(join(folder.path, `run${made - 1}`))).toBe(false);
});

test('a verdict on data with other tasks is refused', async () => {
  const run = await make({ key: 'autoifs', mlpDims: [8, 8], selection: { table: 'test' } });
  const verdict = readFlows(run) as FlowDocument;
  const path = join(folder.path, 'others.json');
  writeFileSync(path, JSON.stringify({ ...verdict, tasks: ['click', 'like'] }));
  await expect(make({ key: 'streams', flows: path })).rejects.toThrow(
    /its tasks are click, like, those of the data click, buy/,
  );
});

test('tables of the wrong size and without a way to any cell are refused by path', async () => {
  const cells = new Array(4).fill([[1, 1]]);
  await expect(make({ key: 'streams', flows: { fields: [['item'], ['no'], [], []], cells } })).rejects.toThrow(
    /model.flows.fields.1.0.*no field "no"[\s\S]*model.flows.cells.0.*expected 2 x 2 \(scenarios x tasks\), found 1 x 2/,
  );
  const closed = new Array(4).fill([
    [0, 0],
    [0, 0],
  ]);
  await expect(make({ key: 'streams', flows: { fields: [['item'], [], [], []], cells: closed } })).rejects.toThrow(
    /nothing would be learned/,
  );
  await expect(make({ key: 'autoifs', mlpDims: [8, 8], selection: { table: cells } })).rejects.toThrow(
    /model.selection.table.0/,
  );
});

test('AutoIFS takes the same cells as fixed gates', async () => {
  const run = await make({ key: 'autoifs', embeddingDim: 4, mlpDims: [16, 12, 8], selection: { table: 'test' } });
  const { selection } = openRun(run).config.model as { selection: unknown };
  expect(selection).toEqual({
    table: tableOf(readFlows(run) as FlowDocument, ['user', 'item', 'tags', 'place'])?.cells,
  });
  await trainWithStops(run);
});

/** A verdict with random claims. */
const verdicts = fc
  .record({
    orderedTasks: fc.boolean(),
    useless: fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }),
    reads: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
  })
  .map(({ orderedTasks, useless, reads }): FlowDocument => {
    const [scenarios, tasks] = [
      ['a', 'b'],
      ['x', 'y', 'z'],
    ];
    const cells = scenarios.flatMap((scenario) =>
      tasks.flatMap((task) => FLOW_NAMES.map((name, k) => ({ scenario, task, name, flow: k + 1 }))),
    );
    return {
      schema: 'flows/1',
      data: 'd',
      dataHash: 'h',
      source: 'labels',
      rows: 1,
      of: 1,
      scenarios,
      tasks,
      orderedTasks,
      flows: cells.map((cell, i) => ({
        ...cell,
        strength: 1,
        verdict: useless[i] ? 'useless' : 'useful',
        p: 0,
        certificate: null,
      })),
      fields: ['u', 'v', 'w'].map((field, j) => ({ field, share: [0, 0, 0, 0], reads: reads.slice(4 * j, 4 * j + 4) })),
      shares: [0, 0, 0, 0],
      notes: [],
    };
  });

test('a cell is closed where its flow is useless; of ordered tasks, where it is useless for all up to it', () => {
  fc.assert(
    fc.property(verdicts, (verdict) => {
      const table = tableOf(verdict, ['u', 'v', 'w']);
      expect(table === undefined).toBe(verdict.fields.every(({ reads }) => !reads.includes(true)));
      if (table === undefined) return;
      for (const { scenario, task, flow, verdict: claim } of verdict.flows) {
        const [s, t] = [verdict.scenarios.indexOf(scenario), verdict.tasks.indexOf(task)];
        const earlier = verdict.orderedTasks && t > 0 ? table.cells[flow - 1][s][t - 1] : 0;
        expect(table.cells[flow - 1][s][t]).toBe(claim === 'useless' ? earlier : 1);
      }
      expect(table.fields).toEqual(
        [0, 1, 2, 3].map((k) => verdict.fields.filter(({ reads }) => reads[k]).map(({ field }) => field)),
      );
    }),
  );
});

test('both fields of a product are read', () => {
  const [verdict] = fc.sample(verdicts, 1);
  const fields = [{ field: 'u x w', share: [0, 0, 0, 0], reads: [false, true, false, false] }];
  expect(tableOf({ ...verdict, fields }, ['u', 'v', 'w'])?.fields).toEqual([[], ['u', 'w'], [], []]);
});
