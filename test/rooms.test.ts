import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

/** Each room imports only what stands here; ARCHITECTURE.md has the same table. */
const MAY_IMPORT: Record<string, string[]> = {
  base: [],
  config: ['base'],
  graph: ['base'],
  runtime: ['base'],
  kernels: ['base'],
  data: ['base', 'config'],
  model: ['base', 'config', 'graph'],
  artifact: ['base', 'config'],
  evaluate: ['base', 'config'],
  flows: ['base', 'config', 'data', 'evaluate'],
  train: ['base', 'config', 'graph', 'runtime', 'kernels', 'data', 'model', 'artifact', 'evaluate'],
  serve: ['base', 'config', 'runtime', 'kernels', 'data', 'artifact', 'evaluate'],
  parity: ['base', 'config', 'graph', 'runtime', 'kernels', 'data', 'model', 'artifact', 'evaluate', 'flows', 'train'],
  bench: ['base', 'config', 'graph', 'runtime', 'kernels', 'data', 'model', 'artifact', 'evaluate', 'train'],
  select: ['base', 'config', 'graph', 'runtime', 'kernels', 'data', 'model', 'artifact', 'evaluate', 'flows', 'train'],
  experiment: ['base', 'config', 'graph', 'runtime', 'kernels', 'data', 'model', 'artifact', 'evaluate', 'train'],
  cli: [
    'serve',
    'select',
    'experiment',
    'base',
    'config',
    'graph',
    'runtime',
    'kernels',
    'data',
    'model',
    'artifact',
    'evaluate',
    'train',
    'parity',
    'bench',
    'flows',
  ],
};

const source = resolve('src');
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && !name.includes('assembly'), // AssemblyScript is compiled on its own
);

interface Import {
  target: string;
  /** Erased when compiled: nothing is loaded. */
  typesOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(source, file), 'utf8');
  const statements = text.matchAll(
    /\b(?:import|export)\s+(type\s)?[^;']*?\bfrom\s*'(\.[^']*)'|\bimport\s*\(?\s*'(\.[^']*)'/g,
  );
  return [...statements].map(([, type, from, bare]) => ({
    target: relative(source, resolve(source, dirname(file), from ?? bare)),
    typesOnly: type !== undefined,
  }));
}

const imports = new Map(files.map((file) => [file, importsOf(file)]));
const roomOf = (file: string): string => file.split('/')[0];

test('the scan sees imports: of values, of types, spread over lines and re-exported', () => {
  expect(imports.get('evaluate/index.ts')).toContainEqual({ target: 'evaluate/grid.ts', typesOnly: true });
  expect(imports.get('train/run.ts')).toContainEqual({ target: 'artifact/run-folder.ts', typesOnly: false });
  expect(imports.get('runtime/session.ts')?.map(({ target }) => target)).toContain('runtime/backends.ts');
});

test('every folder of src/ is a room of the table', () => {
  const folders = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual(Object.keys(MAY_IMPORT).sort());
});

test('ARCHITECTURE.md has a line for every room', () => {
  const text = readFileSync('ARCHITECTURE.md', 'utf8');
  for (const room of Object.keys(MAY_IMPORT)) expect(text).toMatch(new RegExp(`^\\| \`${room}\` \\|`, 'm'));
});

test('rooms import only rooms above them', () => {
  const wrong = [...imports].flatMap(([file, targets]) =>
    targets
      .filter(
        ({ target }) =>
          file.includes('/') && roomOf(target) !== roomOf(file) && !MAY_IMPORT[roomOf(file)]?.includes(roomOf(target)),
      )
      .map(({ target }) => `${file} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('no file loads itself by way of others', () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (done.has(file) || path.includes(file)) return;
    for (const { target, typesOnly } of imports.get(file) ?? []) if (!typesOnly) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(cycles).toEqual([]);
});

test('every import names a file that is there', () => {
  const missing = [...imports].flatMap(([file, targets]) =>
    targets.filter(({ target }) => !files.includes(target)).map(({ target }) => `${file}: ${target}`),
  );
  expect(missing).toEqual([]);
});
