/** The regression gate on small runs. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBaseline, recordedResult, writeBaseline } from '../../src/diagnose/check/baseline.ts';
import { type CheckOptions, checkRun } from '../../src/diagnose/check/check.ts';
import { type BaselineDocument, checkSchema } from '../../src/documents/diagnose/check.ts';
import { checkMarkdown, checkText } from '../../src/report/diagnose/check.ts';
import { runPaths } from '../../src/store/run/run-folder.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../train/support.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
const margins = { margin: 0.005, cellMargin: 0.01 };
afterAll(() => folder.remove());
beforeAll(async () => {
  const data = await prepareSmall(folder.path, 3000);
  const model = { key: 'mmoe', embeddingDim: 4 };
  await makeRun(at('good'), data, { model });
  await makeRun(at('bad'), data, { model, train: { maxEpochs: 1, learningRate: 1e-4 } });
  for (const name of ['good', 'bad']) await trainWithStops(at(name));
});

const check = (run: string, against: string, more: Partial<CheckOptions> = {}) =>
  checkRun(at(run), { against: at(against), ...margins, ...more });

/** The baseline of the good run, changed. */
function written(name: string, change: (baseline: BaselineDocument) => void): string {
  const baseline = structuredClone(recordedResult(at('good')));
  change(baseline);
  writeBaseline(at(name), baseline);
  return name;
}

test('a run against itself changes nothing, for certain; the document fits its schema', async () => {
  const document = await check('good', 'good');
  expect(checkSchema.parse(document)).toEqual(document);
  expect(document).toMatchObject({
    passed: true,
    notes: [],
    mean: { cells: 4, change: 0, interval: { low: 0, high: 0 } },
  });
  expect(checkText(document)).toMatch(/^passed: /);
});

test('a worse run fails, with the cells that fell, by how much and how sure that is', async () => {
  const document = await check('bad', 'good');
  const [before, after] = ['good', 'bad'].map((run) => recordedResult(at(run)).grid);
  expect(document.mean.change).toBeCloseTo((after.macro.auc as number) - (before.macro.auc as number), 12);
  expect(document.passed).toBe(false);
  for (const [c, cell] of document.cells.entries()) {
    expect(cell.change).toBeCloseTo((after.cells[c].auc as number) - (before.cells[c].auc as number), 12);
    // Scored again, the change is what the runs recorded: it is in the middle of its interval.
    const { low = 0, high = 0 } = cell.interval ?? {};
    expect((low + high) / 2).toBeCloseTo(cell.change as number, 6);
    expect(cell.fell).toBe((cell.change as number) < -0.01);
  }
  const text = checkText(document);
  expect(text).toMatch(
    /^failed: .* values are worse by more than the margin\nmean AUC 0\.\d{4} -> 0\.\d{4}, -0\.\d{4} \[-0\.\d{4}, -0\.\d{4}\], margin 0\.005\n/,
  );
  expect(checkMarkdown(document)).toContain('| cell | AUC before | now |');
  expect(await check('good', 'bad', { cellMargin: 1 })).toMatchObject({ passed: true });
});

test('margins are of the mean, of all cells and of single ones; log loss may not rise', async () => {
  const higher = written('higher.json', ({ grid }) => {
    grid.cells[3].auc = (grid.cells[3].auc as number) + 0.02;
  });
  const found = await check('good', higher);
  expect(found.cells.map(({ fell }) => fell)).toEqual([false, false, false, true]);
  expect(found.mean).toMatchObject({ fell: false, change: expect.closeTo(-0.005, 12) });
  expect(found.notes).toEqual([
    'No intervals: the baseline is a document. Name a run folder to score the same rows with both.',
  ]);
  expect(await check('good', higher, { margin: 0.004 })).toMatchObject({ mean: { fell: true } });
  expect(await check('good', higher, { cellMargin: 0.03 })).toMatchObject({ passed: true });
  expect(await check('good', higher, { cellMargins: { 'search/buy': 0.03 } })).toMatchObject({ passed: true });
  const lower = written('lower.json', ({ grid }) => {
    grid.cells[0].logloss = (grid.cells[0].logloss as number) - 0.02;
  });
  expect(await check('good', lower, { metric: 'logloss' })).toMatchObject({
    passed: false,
    cells: [{ fell: true }, {}, {}, {}],
  });
});

test('what the baseline has and the run lacks fell; the other way round there is nothing to fall from', async () => {
  const without = written('without.json', ({ grid, data }) => {
    grid.cells[1].auc = null;
    data.hash = 'another';
  });
  const found = await check('good', without);
  expect(found).toMatchObject({ passed: true, mean: { cells: 3 } });
  expect(found.notes.join(' ')).toMatch(/another data set.*The baseline has no auc in feed\/buy/);
  cpSync(at('good'), at('blank'), { recursive: true });
  const path = runPaths(at('blank')).metrics;
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  const end = JSON.parse(lines.at(-1) as string);
  end.test.cells[1].auc = null;
  writeFileSync(path, `${[...lines.slice(0, -1), JSON.stringify(end)].join('\n')}\n`);
  rmSync(join(at('blank'), 'finished.json'));
  const fallen = await check('blank', 'good', { intervals: false });
  expect(fallen).toMatchObject({ passed: false, cells: [{}, { after: null, change: null, fell: true }, {}, {}] });
});

test('CHECK_CELLS, CHECK_NO_RESULT and CHECK_BASELINE say what is missing where', async () => {
  const fewer = written('fewer.json', ({ grid }) => void grid.cells.pop());
  await expect(check('good', fewer, { cellMargins: { 'x/y': 1 } })).rejects.toMatchObject({
    code: 'CHECK_CELLS',
    details: {
      problems: [
        `${at('fewer.json')} has no cell search/buy, which ${at('good')} has`,
        'there is no cell x/y to set a margin for',
      ],
    },
  });
  await makeRun(at('young'), at('data'));
  await expect(check('young', 'good')).rejects.toMatchObject({ code: 'CHECK_NO_RESULT' });
  writeFileSync(at('text.json'), 'no JSON');
  writeFileSync(at('other.json'), '{"schema":"tuning/1"}');
  for (const name of ['text.json', 'other.json'])
    expect(() => readBaseline(at(name)), name).toThrow(expect.objectContaining({ code: 'CHECK_BASELINE' }));
  expect(() => readBaseline(at('none.json'))).toThrow(expect.objectContaining({ code: 'FILE_MISSING' }));
});
