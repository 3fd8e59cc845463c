/** The package as it is published, used by a program of its own: the code of docs/library.md is compiled and run. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { linkPackages } from '../serve/container/dockerfile.ts';

const project = mkdtempSync(join(tmpdir(), 'tributary-packed-'));
const at = (...names: string[]): string => join(project, ...names);
const run = (program: string, ...words: string[]): string =>
  execFileSync(process.execPath, [program, ...words], {
    cwd: project,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
const tributary = (...words: string[]): string => run('node_modules/tributary-ranker/bin/tributary.js', ...words);

/** Blocks of the page that name their file in the first line. */
const programs = new Map(
  [...readFileSync('docs/library.md', 'utf8').matchAll(/^```ts\n\/\/ (\S+)\n(.*?)^```/gms)].map(([, name, code]) => [
    name,
    code,
  ]),
);

const DATASET = {
  name: 'shop',
  sources: { log: { path: 'shop.csv' } },
  fields: [
    { name: 'user_id', kind: 'categorical' },
    { name: 'item_id', kind: 'categorical' },
  ],
  scenario: { expression: 'place', values: ['home', 'search'] },
  tasks: [
    { name: 'click', label: 'click' },
    { name: 'buy', label: 'buy' },
  ],
  split: { kind: 'time', column: 'day' },
};

beforeAll(() => {
  // What `npm install` makes of the tarball: the package, and its dependencies without optional ones.
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], { encoding: 'utf8' }),
  ) as { filename: string }[];
  cpSync('package-lock.json', at('package-lock.json'));
  linkPackages(project, true);
  mkdirSync(at('node_modules/tributary-ranker'));
  execFileSync('tar', ['-xzf', at(filename), '-C', at('node_modules/tributary-ranker'), '--strip-components', '1']);
  // What a program in TypeScript has itself.
  for (const name of ['@types/node', 'undici-types'])
    cpSync(resolve('node_modules', name), at('node_modules', name), { recursive: true });
  const rows = Array.from({ length: 3000 }, (_, i) => {
    const [user, item] = [(i * 7) % 40, (i * 13) % 30];
    const click = Number((item + user) % 3 === 0);
    return `${user},${item},${i % 2 === 0 ? 'home' : 'search'},${click},${Number(click === 1 && item % 5 < 3)},${i}`;
  });
  writeFileSync(at('shop.csv'), ['user_id,item_id,place,click,buy,day', ...rows].join('\n'));
  writeFileSync(at('shop.yaml'), JSON.stringify(DATASET));
  writeFileSync(at('package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  const options = {
    strict: true,
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
  };
  writeFileSync(
    at('tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...options, outDir: 'built' }, include: ['*.ts'] }),
  );
  for (const [name, code] of programs) writeFileSync(at(name), code);
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

test('the package brings neither sources nor what is optional', () => {
  expect([...programs.keys()]).toEqual(['rank.ts', 'my-model.ts', 'own.ts']);
  expect(readdirSync(at('node_modules'))).not.toContain('onnxruntime-web');
  expect(readdirSync(at('node_modules/tributary-ranker')).sort()).toEqual(
    ['ARCHITECTURE.md', 'CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'dist', 'docs', 'package.json'].sort(),
  );
  expect(tributary('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("the page's programs compile with tsc --strict, and train, export, rank and serve", () => {
  run(resolve('node_modules/typescript/bin/tsc'));

  const ranked = run('built/rank.js');
  expect(ranked).toMatch(/^epoch 1: 0\.\d+$/m);
  expect(ranked).toMatch(/^home +0\.\d+ /m);
  expect(ranked.match(/^[ab] 0\.\d+$/gm)).toHaveLength(2);

  const served = run('built/own.js');
  expect(served).toMatch(/^200 \{.*"items":\[\{"id":"a"/);
});

test('a model file trains, is evaluated and exported by the command line', () => {
  const words = [
    '--data',
    'data/shop',
    '--model',
    'wide-deep',
    '--model-file',
    'my-model.ts',
    '--out',
    'runs/wide-deep',
  ];
  tributary('train', ...words, '--set', 'train.maxEpochs=2', '--set', 'model.dims=[8]');
  const [result] = tributary('evaluate', 'runs/wide-deep', '--json').trim().split('\n').slice(-1);
  expect(JSON.parse(result).cells).toHaveLength(4);
  tributary('export', 'runs/wide-deep', '--out', 'artifacts/wide-deep');
  expect(tributary('verify', 'artifacts/wide-deep')).toContain('wide-deep');
  expect(tributary('models', '--model-file', 'my-model.ts')).toContain('Wide & Deep');
});
