/** The document of what was reproduced against the result files: every table between markers is written from one. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { compareSchema } from '../src/config/compare.ts';
import { comparisonSchema, type ModelResult, timesSchema } from '../src/documents/comparison.ts';
import { trialLine } from '../src/documents/tuning.ts';
import type { Section } from '../src/report/comparison/section.ts';
import { sectionsOf } from '../src/report/comparison/sections.ts';
import { markdownTable, numeric, tableOf } from '../src/report/table.ts';

const RESULTS = 'reproduction/results';
const comparisons = readdirSync(RESULTS).filter((name) => existsSync(join(RESULTS, name, 'times.json')));
const json = <T>(...path: string[]): T => JSON.parse(readFileSync(join(RESULTS, ...path), 'utf8'));
const resultOf = (name: string) => comparisonSchema.parse(json(name, 'result.json'));
const timesOf = (name: string) => timesSchema.parse(json(name, 'times.json'));

/** What a marker asks for: `searches`, `noise flows`, `NAME: ratios`, or `NAME: the beginning of a table's title`. */
function sectionOf(marker: string): Section {
  if (marker === 'searches') return searches();
  if (marker === 'noise flows') return noiseFlows();
  const [name, title] = marker.split(': ');
  if (title === 'ratios') return ratios(name);
  const sections = sectionsOf(resultOf(name), timesOf(name));
  const section = sections.find((of) => of.title.startsWith(title));
  if (section === undefined) throw new Error(`${name} has no table "${title}", only ${sections.map((of) => of.title)}`);
  return section;
}

/** A table of texts: the first column names the row, the others hold numbers. */
const section = (title: string, [first, ...others]: string[], rows: string[][]): Section => ({
  title,
  table: tableOf(rows, [
    { title: first, text: ([name]) => name },
    ...others.map((head, i) => numeric<string[]>(head, (row) => row[i + 1])),
  ]),
  notes: [],
});

/** The best of the points that were searched, for each model. */
function searches(): Section {
  const files = readdirSync(join(RESULTS, 'searches'));
  const rows = files.map((file) => {
    const lines = readFileSync(join(RESULTS, 'searches', file), 'utf8')
      .trim()
      .split('\n');
    const trials = lines.map((line) => trialLine.parse(JSON.parse(line)));
    const values = trials.flatMap(({ value }) => (value === null ? [] : [value]));
    const best = trials.find(({ value }) => value === Math.max(...values)) as (typeof trials)[number];
    const shown = ['train.learningRate', 'train.l2', 'model.embeddingDim'].map((name) =>
      String(Number((best.parameters[name] as number).toPrecision(3))),
    );
    const range = [Math.max(...values), Math.min(...values)].map((value) => value.toFixed(4));
    return { model: file.replace('.jsonl', ''), row: [String(trials.length), ...range, ...shown] };
  });
  return section(
    'searches',
    ['model', 'trials', 'best validation AUC', 'worst', 'learning rate', 'l2', 'embedding'],
    rows.sort((a, b) => b.row[1].localeCompare(a.row[1])).map(({ model, row }) => [model, ...row]),
  );
}

/** AutoIFS next to every other model: what it gains, and what that costs. */
function ratios(name: string): Section {
  const [{ models }] = resultOf(name).datasets;
  const processorSeconds = (model: string): number =>
    timesOf(name).models.find((of) => of.model === model)?.processorSecondsToBest ?? Number.NaN;
  const auc = ({ macro }: ModelResult): number => macro.auc?.mean ?? Number.NaN;
  const own = models.find(({ key }) => key === 'autoifs') as ModelResult;
  const others = models.filter((model) => model !== own).sort((a, b) => auc(b) - auc(a));
  return section(
    'ratios',
    ['AutoIFS against', 'AUC', 'dense parameters', 'mul-adds/row', 'CPU s to best'],
    others.map((other) => [
      other.model,
      (auc(own) - auc(other)).toFixed(4).replace(/^(?!-)/, '+'),
      ...[
        own.denseParameters / other.denseParameters,
        own.multiplyAddsPerRow / other.multiplyAddsPerRow,
        processorSeconds(own.model) / processorSeconds(other.model),
      ].map((ratio) => `${ratio.toFixed(2)}x`),
    ]),
  );
}

interface NoiseFlows {
  seeds: {
    seed: number;
    auc: { learned: number; kept: number };
    noise: number;
    removed: number;
    right: number;
    keptNoise: number;
    keptInformative: number;
  }[];
}

function noiseFlows(): Section {
  const { seeds } = json<NoiseFlows>('noise-flows', 'result.json');
  const sum = (of: 'noise' | 'removed' | 'right'): number => seeds.reduce((total, seed) => total + seed[of], 0);
  const share = (part: number, whole: number): string => (whole === 0 ? '-' : (part / whole).toFixed(2));
  const gains = seeds.map(({ auc }) => auc.learned - auc.kept);
  return section(
    'noise flows',
    ['seed', 'noise', 'removed', 'of them noise', 'precision', 'recall', 'AUC', 'all kept', 'gain'],
    [
      ...seeds.map(({ seed, auc, noise, removed, right }) => [
        String(seed),
        ...[noise, removed, right].map(String),
        ...[share(right, removed), share(right, noise)],
        ...[auc.learned, auc.kept, auc.learned - auc.kept].map((value) => value.toFixed(4)),
      ]),
      [
        'all',
        ...[sum('noise'), sum('removed'), sum('right')].map(String),
        ...[share(sum('right'), sum('removed')), share(sum('right'), sum('noise'))],
        ...['', '', (gains.reduce((a, b) => a + b, 0) / gains.length).toFixed(4)],
      ],
    ],
  );
}

const written = ({ table, notes }: Section): string =>
  [...markdownTable(table), ...notes.flatMap((note) => ['', `${note}.`])].join('\n');

test('docs/reproduction.md shows what the result files hold (mend with: npm run build:docs)', async () => {
  const page = readFileSync('docs/reproduction.md', 'utf8').replace(
    /(<!-- (?!end)(.+?) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_, begin: string, marker: string, end: string) => `${begin}${written(sectionOf(marker))}\n${end}`,
  );
  for (const name of comparisons) expect(page).toContain(`<!-- ${name}: `);
  await expect(page).toMatchFileSnapshot('../docs/reproduction.md');
});

test.each(comparisons)('the result %s is of the comparison next to it', (name) => {
  const path = `reproduction/${name}.yaml`;
  expect(existsSync(path), path).toBe(true);
  const { seeds, models } = compareSchema.parse(withKeys(parse(readFileSync(path, 'utf8'))));
  const result = resultOf(name);
  expect(result.seeds).toEqual(seeds);
  for (const { models: found } of result.datasets) {
    expect(found.length).toBe(models.length);
    for (const model of found)
      expect({ trained: model.seeds, failed: model.failed }).toEqual({ trained: seeds, failed: [] });
  }
});

/** A model may be its key alone. */
const withKeys = (config: { models: unknown[] }) => ({
  ...config,
  models: config.models.map((model) => (typeof model === 'string' ? { model } : model)),
});
