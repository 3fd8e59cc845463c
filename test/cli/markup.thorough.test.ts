/** Names and notes that would be more than text in a report, a page, a terminal or a scrape. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startText } from '../../src/cli/print/render.ts';
import { type DatasetInput, datasetSchema } from '../../src/config/dataset.ts';
import { formatFindings, validate } from '../../src/data/checks/validate.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { type ComparisonResult, comparisonSchema, type Times, timesSchema } from '../../src/documents/comparison.ts';
import { exportRun } from '../../src/export/export.ts';
import { comparisonMarkdown, comparisonText } from '../../src/report/comparison/comparison.ts';
import { tuningMarkdown } from '../../src/report/tuning.ts';
import { serving } from '../serve/support.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../train/support.ts';

/** Ends a heading, a cell, a list, a comment, a block of code; draws a picture, a link; colours a terminal; turns the text. */
const NASTY =
  'a|b\n# Own heading\n\n```\n<img src=x onerror=alert(1)> [c](javascript:d) **e** "f" \\" \u001b[31mred\u202e';

/** Is it text, and the lines as many as with plain names? */
function expectHarmless(text: string, plain: string): void {
  expect(text).not.toMatch(/^# Own/m);
  expect(text).not.toContain('\u001b');
  expect(text).not.toContain('\u202e');
  expect(text.split('\n')).toHaveLength(plain.split('\n').length);
}
function expectMarkdown(text: string, plain: string): void {
  expectHarmless(text, plain);
  const outside = text.replaceAll(/^(`{3,})\w+\n[\s\S]*?^\1$/gm, '');
  expect(outside).not.toMatch(/<img|(?<!\\)\]\(|(?<!\\)\*\*|(?<!\\)`/);
  // Rows of tables have as many cells as their heads.
  const cells = (row: string): number => row.split(/(?<!\\)\|/).length;
  for (const [, head, rows] of outside.matchAll(/^(\|.*\|)\n\| ---.*\n((?:\|.*\n)*)/gm))
    for (const row of rows.trim().split('\n')) expect(cells(row)).toBe(cells(head));
}

const { path: folder, remove } = temporaryFolder();
const built = new Map<string, { run: string; artifact: string }>();

beforeAll(async () => {
  const data = await prepareSmall(folder);
  const { config } = JSON.parse(readFileSync(join(data, 'manifest.json'), 'utf8')) as { config: DatasetInput };
  for (const name of ['plain', NASTY]) {
    const [out, run, artifact] = ['data', 'run', 'artifact'].map((kind) => join(folder, `${kind}${built.size}`));
    const scenario = { ...config.scenario, names: [name, `${name}2`] };
    const own = datasetSchema.parse({ ...config, name, notes: [name], scenario });
    await prepare({ config: own, sourceFolder: folder, out });
    await makeRun(run, out, { train: { searchEpochs: 1, maxEpochs: 1 } });
    await trainWithStops(run);
    await exportRun(run, { out: artifact, calibrate: 'none', threads: 1 });
    built.set(name, { run, artifact });
  }
});
afterAll(remove);

test('report.md of a run', () => {
  const [plain, nasty] = [...built.values()].map(({ run }) => readFileSync(join(run, 'report.md'), 'utf8'));
  expect(nasty).toMatch(/^# AutoIFS on a&#124;b\\\\n\\# Own heading/);
  expectMarkdown(nasty, plain);
});

test('pages and numbers of a service', async () => {
  const answers: string[][] = [];
  for (const [name, { artifact }] of built) {
    const { ask } = await serving([artifact]);
    expect((await ask('/v1/rank', { scenario: name, items: [{ id: 1 }] })).status).toBe(200);
    answers.push([(await ask('/docs')).text, (await ask('/metrics')).text, (await ask('/openapi.json')).text]);
  }
  const [[plainDocs, plainMetrics], [docs, metrics, openapi]] = answers;
  for (const harm of ['<img', '\u001b', '\u202e']) expect(docs).not.toContain(harm);
  expect(docs.match(/<[a-z]+/g)).toEqual(plainDocs.match(/<[a-z]+/g));
  expect(metrics.split('\n')).toHaveLength(plainMetrics.split('\n').length);
  for (const line of metrics.trim().split('\n'))
    expect(line).toMatch(/^(# (HELP|TYPE) .*|\w+(\{(\w+="([^"\\\n]|\\["\\n])*",?)*\})? [-+.\dInfNae]+)$/);
  expect(Object.keys(JSON.parse(openapi).components.schemas)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^[A-Za-z0-9._-]+$/)]),
  );
});

test('a comparison, as Markdown and in a terminal', () => {
  const results = join(import.meta.dirname, '../../reproduction/results');
  const [study] = readdirSync(results).filter((name) => readdirSync(join(results, name)).includes('times.json'));
  const [text, times] = ['result.json', 'times.json'].map((name) => readFileSync(join(results, study, name), 'utf8'));
  const plain = comparisonSchema.parse(JSON.parse(text));
  const plainTimes = timesSchema.parse(JSON.parse(times));
  const names = [...plain.datasets[0].scenarios, ...plain.datasets.map(({ data }) => data), plain.baseline];
  const replaced = (json: string) =>
    JSON.parse(json, (_, value) => (names.includes(value) ? `${NASTY}${names.indexOf(value)}` : value));
  const [nasty, nastyTimes] = [replaced(text) as ComparisonResult, replaced(times) as Times];
  expectMarkdown(comparisonMarkdown(nasty, nastyTimes), comparisonMarkdown(plain, plainTimes));
  const lines = comparisonText(nasty, nastyTimes);
  expect(lines).not.toMatch(/^# Own/m);
  for (const harm of ['\u001b', '\u202e']) expect(lines).not.toContain(harm);
});

test('a search', () => {
  const report = (name: string): string => {
    const trial = { trial: 1, value: 0.7, epochs: 2, ended: true, seconds: 1, parameters: { 'model.key': name } };
    const failed = { ...trial, trial: 2, value: null, failure: name };
    const hints = [{ path: 'model.key', strength: 1, better: { choice: name }, trials: 2 }];
    const tuning = { parameters: ['model.key'], trials: [trial, failed], monitor: 'auc', best: trial, hints };
    return tuningMarkdown(tuning as never, { data: name });
  };
  expectMarkdown(report(NASTY), report('plain'));
});

test('the terminal: a training, findings', async () => {
  const event = { scenarios: [NASTY], tasks: ['click'], rows: { train: 1, validation: 1, test: 1 } };
  const start = (name: string): string =>
    startText({
      ...event,
      scenarios: [name],
      dataset: name,
      model: 'm',
      run: 'r',
      denseParameters: 1,
      tableRows: 1,
      embeddingDim: 1,
      size: [{ message: `a remark on ${name}` }],
    } as never);
  expectHarmless(start(NASTY), start('plain'));
  const { config } = JSON.parse(readFileSync(join(folder, 'data', 'manifest.json'), 'utf8')) as {
    config: DatasetInput;
  };
  const found = async (name: string): Promise<string> =>
    formatFindings(
      await validate(datasetSchema.parse({ ...config, scenario: { ...config.scenario, names: [name, 'b'] } }), folder),
    );
  expectHarmless(await found(NASTY), await found('plain'));
});
