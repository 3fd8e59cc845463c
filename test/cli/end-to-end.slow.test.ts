import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportSchema } from '../../src/documents/artifact.ts';
import { flowRatesSchema } from '../../src/documents/flow-rates.ts';
import { evaluationSchema, trainingSchema } from '../../src/documents/result.ts';
import { selectionSchema } from '../../src/documents/selection.ts';
import { readSafetensors } from '../../src/store/safetensors.ts';
import { events, SMALL_WORLD, TINY_MODEL, tributary } from './spawn.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-'));
const at = (name: string): string => join(folder, name);
let training: Record<string, unknown>[];

beforeAll(() => {
  events([...SMALL_WORLD, '--source', at('world'), '--out', at('data')]);
  training = events(['train', '--data', at('data'), ...TINY_MODEL, '--seed', '3', '--out', at('run')]);
});
afterAll(() => rmSync(folder, { recursive: true }));

test('what commands end with has the shape of its schema, and nothing more', () => {
  const expected = [
    [trainingSchema, training],
    [evaluationSchema, events(['evaluate', at('run')])],
    [exportSchema, events(['export', at('run'), '--out', at('artifact')])],
    [selectionSchema, events(['select', at('run'), '--out', at('selected')])],
    [flowRatesSchema, events(['flows', at('run')])],
  ] as const;
  for (const [schema, lines] of expected) {
    const { event, ...document } = lines.at(-1) as Record<string, unknown>;
    expect(event).toBe('result');
    expect(schema.parse(document)).toEqual(document);
  }
});

test('preparing again with nothing changed does nothing', () => {
  const before = readFileSync(at('data/manifest.json'));
  const { code, out } = tributary([...SMALL_WORLD, '--source', at('world'), '--out', at('data')]);
  expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('is up to date: nothing to do') });
  expect(readFileSync(at('data/manifest.json'))).toEqual(before);
});

test('train --json: events from start to result, the result of the announced shape', () => {
  expect(training.map(({ event }) => event).filter((kind) => kind !== 'progress')).toEqual([
    'start',
    'phase',
    'checkpoint',
    'epoch',
    'checkpoint',
    'epoch',
    'checkpoint',
    'flows',
    'phase',
    'checkpoint',
    'epoch',
    'checkpoint',
    'epoch',
    'result',
  ]);
  const result = training.at(-1);
  expect(result).toMatchObject({
    event: 'result',
    run: at('run'),
    split: 'test',
    macro: { auc: expect.any(Number), logloss: expect.any(Number) },
    seconds: expect.any(Number),
  });
  const cells = result?.cells as Record<string, unknown>[];
  expect(cells.map(({ scenario, task }) => `${scenario} ${task}`)).toEqual([
    'feed click',
    'feed like',
    'search click',
    'search like',
    'detail click',
    'detail like',
  ]);
  for (const cell of cells)
    expect(cell).toMatchObject({
      auc: expect.any(Number),
      logloss: expect.any(Number),
      rows: expect.any(Number),
      positives: expect.any(Number),
    });
  expect(cells.reduce((sum, { rows }) => sum + (rows as number), 0)).toBe(2 * 400); // a tenth of the rows, two tasks
});

test('evaluate gives the result of the training again, bit for bit', () => {
  const [{ macro, cells, split }] = events(['evaluate', at('run')]);
  expect({ macro, cells, split }).toEqual({
    macro: training.at(-1)?.macro,
    cells: training.at(-1)?.cells,
    split: 'test',
  });
});

test('both backends score alike', () => {
  const [{ cells }] = events(['evaluate', at('run'), '--backend', 'web']) as { cells: { logloss: number }[] }[];
  const expected = training.at(-1)?.cells as { logloss: number }[];
  cells.forEach(({ logloss }, i) => void expect(logloss).toBeCloseTo(expected[i].logloss, 5));
});

test('predict writes every row with the probabilities that evaluate measured', async () => {
  const input = at('world/synthetic.parquet');
  const output = at('scores.parquet');
  expect(events(['predict', at('run'), '--input', input, '--output', output])[0]).toMatchObject({
    rows: 4000,
    scored: 4000,
  });
  const database = await DuckDBInstance.create();
  const connection = await database.connect();
  // The test rows are the last tenth by time.
  const reader = await connection.runAndReadAll(
    `SELECT scenario, avg(probability_click) AS click, avg(probability_like) AS "like"
     FROM (SELECT * FROM read_parquet('${output}') ORDER BY time DESC LIMIT 400) GROUP BY scenario`,
  );
  const means = new Map(
    reader.getRowObjectsJS().map(({ scenario, ...tasks }) => [scenario, tasks as Record<string, number>]),
  );
  connection.closeSync();
  const cells = training.at(-1)?.cells as { scenario: string; task: string; meanProbability: number }[];
  for (const cell of cells) expect(means.get(cell.scenario)?.[cell.task]).toBeCloseTo(cell.meanProbability, 6);
});

/** The authors' configuration of TINY_MODEL. */
function authorsConfig(changes: object = {}): string {
  const { tableRows, fields } = JSON.parse(readFileSync(at('data/manifest.json'), 'utf8'));
  const config = {
    dim: 4,
    scenarios: 3,
    tasks: 2,
    fields: fields.length,
    feat_num: tableRows,
    share_dims: [16],
    domain_dims: [8],
    lora_r: 4,
    ...changes,
  };
  const path = at('authors.json');
  writeFileSync(path, JSON.stringify({ config }));
  return path;
}

test('exported weights come back by import, and score the same', () => {
  expect(tributary(['export', at('run'), '--weights', at('authors.safetensors')]).code).toBe(0);
  const words = ['import', '--model', 'autoifs', '--weights', at('authors.safetensors'), '--config', authorsConfig()];
  expect(tributary([...words, '--out', at('bound'), '--data', at('data')])).toMatchObject({ code: 0 });
  expect(tributary([...words, '--out', at('unbound')])).toMatchObject({ code: 0 });
  const { cells } = training.at(-1) as { cells: unknown };
  expect(events(['evaluate', at('bound')])[0].cells).toEqual(cells);
  expect(events(['evaluate', at('unbound'), '--data', at('data')])[0].cells).toEqual(cells);

  expect(tributary(['evaluate', at('unbound')])).toMatchObject({
    code: 2,
    err: expect.stringContaining('MODEL_UNBOUND'),
  });
  expect(tributary(['resume', at('bound')])).toMatchObject({ code: 2, err: expect.stringContaining('RUN_IMPORTED') });
});

test('an import names every tensor that is missing, unexpected or of another shape', () => {
  const words = ['import', '--model', 'autoifs', '--weights', at('authors.safetensors'), '--out', at('never')];
  const { code, err } = tributary([...words, '--config', authorsConfig({ lora_r: 3, tasks: 3, domain_dims: [8, 8] })]);
  expect(code).toBe(4);
  expect(err).toMatch(/D_A_kernel.0 has shape \[3,16,4\]: expected \[3,16,3\]/);
  expect(err).toMatch(/D_kernels.1 is missing: expected \[8,8\]/);
  expect(err).toMatch(/gate_head2.bias is missing/);
  expect(
    tributary([...words, '--config', authorsConfig({ share_dims: [16], domain_dims: [8], tasks: 1 })]).err,
  ).toMatch(/gate_head1.weight is not a tensor of this model/);
  expect(() => readFileSync(at('never/run.json'))).toThrow();
});

test.each(['ticket', 'general-search'])('import, then export gives every tensor of %s back', (fixture) => {
  const path = `test/fixtures/models/autoifs/${fixture}.safetensors`;
  const out = at(fixture);
  expect(
    tributary([
      'import',
      '--model',
      'autoifs',
      '--weights',
      path,
      '--config',
      `test/fixtures/models/autoifs/${fixture}.json`,
      '--out',
      out,
    ]),
  ).toMatchObject({ code: 0 });
  expect(tributary(['export', out, '--weights', `${out}.safetensors`]).code).toBe(0);
  const [original, back] = [readSafetensors(path).tensors, readSafetensors(`${out}.safetensors`).tensors];
  const parameters = [...original].filter(([name]) => name.startsWith('param.'));
  expect([...back.keys()].sort()).toEqual(parameters.map(([name]) => name.slice('param.'.length)).sort());
  for (const [name, { shape, data }] of parameters) {
    const found = back.get(name.slice('param.'.length));
    expect(found?.shape).toEqual(shape);
    expect(found?.data).toEqual(data);
  }
});

test('a warm start takes over what was learned', () => {
  const words = [
    'train',
    '--data',
    at('data'),
    ...TINY_MODEL,
    '--set',
    'train.searchEpochs=1',
    '--set',
    'train.maxEpochs=1',
  ];
  const cold = events([...words, '--out', at('cold')]);
  const warm = events([...words, '--warm-start', at('run'), '--out', at('warm')]);
  const first = (all: Record<string, unknown>[]): number =>
    (all.find(({ event }) => event === 'epoch') as { losses: { click: number } }).losses.click;
  expect(first(warm)).toBeLessThan(first(cold));
});

test('a prepared configuration with --vocabulary-from keeps the ids of known tokens', () => {
  const words = [
    'prepare',
    'synthetic',
    '--rows',
    '6000',
    '--set',
    'users=400',
    '--set',
    'items=60',
    '--source',
    at('world-2'),
  ];
  expect(tributary([...words, '--out', at('data-2'), '--vocabulary-from', at('data')]).code).toBe(0);
  const size = (name: string): number => JSON.parse(readFileSync(at(`${name}/manifest.json`), 'utf8')).fields[0].size;
  expect(size('data-2')).toBeGreaterThan(size('data'));
  const words2 = ['train', '--data', at('data-2'), ...TINY_MODEL, '--warm-start', at('run'), '--out', at('grown')];
  expect(events(words2).at(-1)).toMatchObject({ event: 'result' });
});

test('models counts the parameters for a data set', () => {
  const [model] = events(['models', 'autoifs', '--data', at('data')]);
  const { tableRows } = JSON.parse(readFileSync(at('data/manifest.json'), 'utf8'));
  expect(model).toMatchObject({
    event: 'model',
    key: 'autoifs',
    parameters: { data: 'synthetic', tableRows, demo: expect.any(Number) },
  });
});

test('the completion script completes verbs and options in bash', () => {
  const script = tributary(['completion', 'bash']).out;
  const complete = (...words: string[]): string[] => {
    const command = `${script}\nCOMP_WORDS=(tributary ${words.join(' ')}); COMP_CWORD=${words.length}; _tributary; echo "\${COMPREPLY[@]}"`;
    return spawnSync('bash', ['-c', command], { encoding: 'utf8' }).stdout.trim().split(' ');
  };
  expect(complete('pre')).toEqual(['prepare', 'predict']);
  expect(complete('train', '--mo')).toEqual(['--model', '--model-file']);
});
