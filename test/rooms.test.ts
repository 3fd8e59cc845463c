import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

/** The table of ARCHITECTURE.md: each room, and the rooms that it may import. */
const MAY_IMPORT = roomsOf(readFileSync('ARCHITECTURE.md', 'utf8'));

/** Rows are written "| `room` (`part`, ...) | sentence | room, room |", from the ground upwards. */
function roomsOf(text: string): Map<string, string[]> {
  const rows = [...text.matchAll(/^\| `([a-z]+)`[^|]*\|[^|]*\| ([a-z, ]*) \|$/gm)];
  return new Map(rows.map(([, room, allowed]) => [room, allowed === 'nothing' ? [] : allowed.split(', ')]));
}

const source = resolve('src');
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
  (name) => /\.tsx?$/.test(name) && !name.includes('assembly'), // AssemblyScript is compiled on its own
);

interface Import {
  target: string;
  /** Erased when compiled: nothing is loaded. */
  typesOnly: boolean;
  /** `import()`: loaded when that is called. */
  later: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(source, file), 'utf8');
  const statements = text.matchAll(
    /\b(?:import|export)\s+(type\s)?[^;']*?\bfrom\s*'(\.[^']*)'|\bimport\s*\(?\s*'(\.[^']*)'/g,
  );
  return [...statements].map(([statement, type, from, bare]) => ({
    target: relative(source, resolve(source, dirname(file), from ?? bare)),
    typesOnly: type !== undefined,
    later: /^import\s*\(/.test(statement),
  }));
}

const imports = new Map(files.map((file) => [file, importsOf(file)]));
const roomOf = (file: string): string => file.split('/')[0];

test('the scan sees imports: of values, of types, spread over lines and re-exported', () => {
  expect(imports.get('train/run/events.ts')).toContainEqual({
    target: 'model/contract.ts',
    typesOnly: true,
    later: false,
  });
  expect(imports.get('train/run/run.ts')).toContainEqual({
    target: 'store/run/run-folder.ts',
    typesOnly: false,
    later: false,
  });
  expect(imports.get('runtime/session.ts')?.map(({ target }) => target)).toContain('runtime/backends.ts');
});

test('every folder of src/ is a room of the table', () => {
  const folders = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual([...MAY_IMPORT.keys()].sort());
});

test('rooms may import only rooms above them', () => {
  const rooms = [...MAY_IMPORT.keys()];
  for (const [room, allowed] of MAY_IMPORT) {
    expect(rooms.slice(0, rooms.indexOf(room)), room).toEqual(expect.arrayContaining(allowed));
  }
});

test('rooms import what the table allows, and all of it', () => {
  const used = new Map([...MAY_IMPORT.keys()].map((room) => [room, new Set<string>()]));
  for (const [file, targets] of imports) {
    for (const { target } of targets) if (roomOf(target) !== roomOf(file)) used.get(roomOf(file))?.add(roomOf(target));
  }
  for (const [room, allowed] of MAY_IMPORT) expect([...used.get(room)!].sort(), room).toEqual([...allowed].sort());
});

test('folders of data import what their table allows, and all of it', () => {
  const table = [
    ...readFileSync('ARCHITECTURE.md', 'utf8').matchAll(/^\| `(data\/[a-z]+)` \|[^|]*\| ([a-z, ]*) \|$/gm),
  ];
  const folders = table.map(([, folder]) => folder);
  const used = new Map(folders.map((folder) => [folder, new Set<string>()]));
  const known = [...imports].filter(([file]) => roomOf(file) === 'data');
  for (const [file, targets] of known) {
    const own = dirname(file);
    expect(folders).toContain(own);
    for (const { target } of targets)
      if (roomOf(target) === 'data' && dirname(target) !== own) used.get(own)?.add(dirname(target));
  }
  for (const [i, [, folder, allowed]] of table.entries()) {
    const names = allowed === 'nothing' ? [] : allowed.split(', ').map((name) => `data/${name}`);
    expect([...used.get(folder)!].sort(), folder).toEqual(names);
    expect(folders.slice(0, i), folder).toEqual(expect.arrayContaining(names));
  }
});

test('a server loads no model, no graph room and no database', () => {
  const loaded = new Set<string>();
  const load = (file: string): void => {
    if (loaded.has(file)) return;
    loaded.add(file);
    // Tables of features are read by another process, or by this one where a configuration says so.
    for (const { target, typesOnly, later } of imports.get(file) ?? []) if (!typesOnly && !later) load(target);
  };
  for (const file of ['serve/processes/service.ts', 'serve/processes/worker.ts', 'serve/ranker/ranker.ts']) load(file);
  const rooms = new Set([...loaded].map(roomOf));
  expect([...rooms]).toEqual(expect.arrayContaining(['inference', 'runtime', 'store']));
  expect(['model', 'graph', 'kernels', 'train'].filter((room) => rooms.has(room))).toEqual([]);
  expect([...loaded].filter((file) => file.startsWith('data/sql/'))).toEqual([]);
});

/** Folders of one file per model, published layout or area of errors: they grow with what there is. */
const MEMBERS = ['model/zoo', 'interop/layouts', 'base/errors'];

test('no folder has more than 16 files on one level', () => {
  const counts = new Map<string, number>();
  for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  expect([...counts].filter(([folder, count]) => count > 16 && !MEMBERS.includes(folder))).toEqual([]);
});

test('no file imports itself by way of others, types included', () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (done.has(file) || path.includes(file)) return;
    for (const { target } of imports.get(file) ?? []) visit(target, [...path, file]);
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
