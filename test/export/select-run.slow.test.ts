/** From a trained run to flows and to an artifact of selected graphs. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPrepared } from '../../src/data/prepared/open.ts';
import type { PreparedData } from '../../src/data/prepared/prepared.ts';
import { exportRun, selectRun } from '../../src/export/export.ts';
import { measureFlows } from '../../src/export/select/flows.ts';
import { selectGraphs } from '../../src/export/select/select.ts';
import { loadTrained } from '../../src/inference/model/trained.ts';
import { predictRun } from '../../src/inference/predict.ts';
import { createServing } from '../../src/inference/serving/serving-model.ts';
import { count } from '../../src/report/numbers.ts';
import { openArtifact } from '../../src/store/artifact/open.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../train/support.ts';
import { answeringArtifact, answeringModel, sessionsOf } from './answers.ts';
import { servingGraph } from './served.ts';

const { path: folder, remove } = temporaryFolder();
const at = (name: string): string => join(folder, name);
let data: PreparedData;

beforeAll(async () => {
  const prepared = await prepareSmall(folder, 4000);
  data = await openPrepared(prepared);
  await makeRun(at('run'), prepared, { train: { searchEpochs: 2, maxEpochs: 2 } });
  await makeRun(at('star'), prepared, { model: { key: 'star' }, train: { maxEpochs: 1 } });
  const coins = { key: 'autoifs', embeddingDim: 4, mlpDims: [8, 6, 5], selection: 'random' };
  await makeRun(at('coins'), prepared, { model: coins, train: { maxEpochs: 1 } });
  for (const name of ['run', 'star', 'coins']) await trainWithStops(at(name));
});
afterAll(remove);

test('flows of the training rows are those that the run reported', async () => {
  const { rows, kept, flows } = await measureFlows(at('run'), 'train');
  const report = readFileSync(at('run/report.md'), 'utf8');
  for (const [s, scenario] of ['feed', 'search'].entries())
    for (const [t, task] of ['click', 'buy'].entries()) {
      const rates = kept[s][t].map((part) => (part / rows[s]).toFixed(3)).join(' | ');
      expect(report).toContain(`| ${scenario} | ${task} | ${rates} | ${count(rows[s])} |`);
    }
  expect(flows.length).toBe(4);
  await expect(measureFlows(at('star'), 'test')).rejects.toMatchObject({ code: 'FLOWS_NONE' });
});

test.each(['run', 'star', 'coins'])(
  '%s: the artifact has a graph for each scenario, and answers as the model does',
  async (name) => {
    const { selection } = await selectRun(at(name), { out: at(`${name}-selected`) });
    const artifact = await openArtifact(at(`${name}-selected`));
    const { graphs, selection: record } = artifact.manifest;
    expect(graphs.map(({ file }) => file)).toEqual(['graph.onnx', 'scenario-0.onnx', 'scenario-1.onnx']);
    expect(new Set(graphs.map((graph) => graph.selection))).toEqual(new Set(['exact']));
    expect(record).toMatchObject({ kind: 'exact', epsilon: 0, int8: false });
    const { train, validation, test: unseen } = data.manifest.splits;
    expect(record?.compared.map(({ rows }) => rows)).toEqual([validation.rows, unseen.rows]);
    expect(record?.compared[0].differing).toBe(0);
    if (name !== 'star') expect(record?.measured.rows.reduce((a, b) => a + b)).toBe(train.rows + validation.rows);

    const served = loadTrained(at(name), undefined);
    const whole = servingGraph(served);
    for (const graph of selection.graphs.scenarios) expect(graph.multiplyAdds).toBeLessThan(whole.multiplyAdds);
    const sides = [await answeringModel(served), await answeringArtifact(artifact)];
    for await (const batch of data.batches('validation')) {
      const [model, selected] = await Promise.all(sides.map((side) => side.answer(batch)));
      for (const [t, own] of model.probabilities.entries()) {
        const differences = own.map((value, i) => Math.abs(value - selected.probabilities[t][i]));
        expect(Math.max(...differences)).toBeLessThan(1.001e-6);
      }
    }
    for (const side of sides) await side.close();
  },
);

test('writes nothing where answers would cost more than the budget, or eight bits gain nothing', async () => {
  const lossy = { out: at('lossy'), epsilon: 0.499, budget: -1 };
  await expect(selectRun(at('coins'), lossy)).rejects.toMatchObject({ code: 'SELECT_OVER_BUDGET' });
  await expect(selectRun(at('star'), { out: at('int8'), int8: true })).rejects.toMatchObject({
    code: 'SELECT_INT8_USELESS',
  });
  expect([existsSync(at('lossy')), existsSync(at('int8'))]).toEqual([false, false]);
});

test('a score is checked before any work, and stored in the artifact', async () => {
  const steps: string[] = [];
  const onEvent = ({ event }: { event: string }): void => void steps.push(event);
  const wrong = { out: at('unscored'), onEvent };
  await expect(selectRun(at('star'), { ...wrong, score: { default: 'clik' } })).rejects.toMatchObject({
    code: 'SCORE_INVALID',
  });
  await expect(selectRun(at('star'), { ...wrong, score: { scenarios: { detail: 'click' } } })).rejects.toMatchObject({
    code: 'SCORE_SCENARIO',
  });
  expect([steps, existsSync(at('unscored'))]).toEqual([[], false]);
  const score = { default: 'click * 0.3 + buy', scenarios: { search: 'click' } };
  const { exported } = await selectRun(at('star'), { out: at('scored'), score });
  expect(exported.manifest.score).toEqual(score);
  expect((await openArtifact(at('scored'))).manifest.score).toEqual(score);
});

test('a model whose answers depend on the order of its sums is refused', async () => {
  const served = loadTrained(at('star'), undefined);
  const { answer, close } = await answeringModel(served);
  let first: number[] = [];
  for await (const batch of data.batches('validation'))
    if (first.length === 0) first = [...(await answer(batch)).logits.subarray(0, 2)];
  await close();
  // Huge parts of both networks cancel in the logits of the first row: folding rounds them otherwise.
  const scaled = ['star.3.kernel', 'star.3.bias', 'star.3.own.bias', 'side.1.kernel', 'side.1.bias'];
  const tensors = new Map(
    [...served.tensors].map(([name, { shape, data: numbers }]) => {
      const shift = name === 'side.1.bias' ? first : [0, 0];
      return [
        name,
        { shape, data: scaled.includes(name) ? numbers.map((x, i) => (x - shift[i % 2]) * 1e10) : numbers },
      ];
    }),
  );
  const serving = createServing({ ...served, tensors }, { threads: 1 });
  await expect(selectGraphs(serving, data).finally(() => serving.close())).rejects.toMatchObject({
    code: 'SELECT_DIFFERS',
    message: expect.stringMatching(/on \d+ of \d+ validation rows.*Nothing was written; please report/),
  });
});

test('a graph becomes a session once in each verb', async () => {
  const counts: Record<string, string[]> = {
    export: await sessionsOf(() => exportRun(at('run'), { out: at('counted-export') })),
    select: await sessionsOf(() => selectRun(at('run'), { out: at('counted-select') })),
    predict: await sessionsOf(() => predictRun(at('run'), { input: at('data.csv'), output: at('counted.csv') })),
    'predict with an artifact': await sessionsOf(() =>
      predictRun(at('counted-select'), { data: at('data'), input: at('data.csv'), output: at('counted-too.csv') }),
    ),
  };
  for (const [verb, graphs] of Object.entries(counts)) expect(new Set(graphs).size, verb).toBe(graphs.length);
  // Selection: switches, the model as it is, all scenarios, one graph a scenario.
  expect(Object.values(counts).map(({ length }) => length)).toEqual([1, 5, 1, 3]);
});
