import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TributaryError } from '../../src/base/errors/index.ts';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { loadComparisonConfig } from '../../src/config/load-compare.ts';
import { loadServing } from '../../src/config/load-serving.ts';
import { temporaryFolder } from '../store/temporary.ts';

/** Code and message of a configuration that must be refused for a few seconds of processor time: an attack takes hours. */
async function refusal(path: string | object, set: string[] = []): Promise<{ code: string; message: string }> {
  const started = process.cpuUsage();
  const cause = await loadDatasetConfig(path, set).then(
    () => new Error('was accepted'),
    (cause: unknown) => cause,
  );
  if (!(cause instanceof TributaryError)) throw cause;
  expect(cause.exitCode).toBe(2);
  expect(cause.message.length).toBeLessThan(20_000);
  expect(process.cpuUsage(started).user / 1e6).toBeLessThan(30);
  return { code: cause.code, message: cause.message };
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

const lines = (n: number, line: (i: number) => string): string => Array.from({ length: n }, (_, i) => line(i)).join('');

describe('YAML that costs too much, or is none', () => {
  const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${[...'bcdefghi']
    .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[i]}`)}]\n`)
    .join('')}`;
  test.each<[string, string, RegExp]>([
    ['a bomb of aliases', bomb, /alias/],
    ['many aliases of one', `a: &a 1\n${lines(20_000, (i) => `b${i}: *a\n`)}`, /more than 100 aliases/],
    ['many anchors', lines(20_000, (i) => `a${i}: &x${i} 1\n`), /more than 1000 anchors/],
    ['a list that holds itself', 'a: &a [*a]', /./],
    ['a map that holds itself', '&a { x: *a }', /./],
    ['lists without end', '['.repeat(100_000), /nested too deep/],
    ['lists in lists', `${'['.repeat(5000)}${']'.repeat(5000)}`, /nested too deep/],
    ['maps in maps', `${'{a: '.repeat(5000)}1${'}'.repeat(5000)}`, /nested too deep/],
    ['blocks in blocks', lines(1000, (i) => `${' '.repeat(i)}a:\n`), /nested too deep/],
    ['dashes', `${'- '.repeat(50_000)}1`, /nested too deep/],
    ['questions', `${'? '.repeat(50_000)}1`, /nested too deep/],
    ['colons', ': '.repeat(50_000), /nested too deep/],
    ['150 levels', `${'['.repeat(110)}${']'.repeat(110)}`, /nested/],
    ['many tags', '!a '.repeat(50_000), /more than 100 tags/],
    ['a tag that makes code', 'name: !!js/function "function () {}"', /tag/i],
    ['a tag of somebody', 'name: !mine x', /tag/i],
    ['a tag of bytes', 'name: !!binary aGk=', /found a Buffer/],
    ['a key twice', 'name: x\nname: y', /line 2: the key "name" occurs twice/],
    ['a key twice, deep', 'a: { b: [{ c: 1, c: 2 }] }', /the key "c" occurs twice/],
    ['a list as a key', '? [a]\n: 1', /a list or map as a key/],
    ['two documents', 'name: x\n---\nname: y', /multiple documents/],
    ['many mistakes', lines(5000, () => '- }\n'), /and \d+ more/],
    ['many keys', lines(60_000, (i) => `a${i}: 1\n`), /and \d+ more mistakes/],
    ['a key of many letters', `"${'k'.repeat(200_000)}": 1`, /1024 chars/],
    ['an open text', `name: "${'x'.repeat(100_000)}`, /./],
    ['a prototype', '__proto__: { a: 1 }', /__proto__/],
    ['a long key', `? ${'k'.repeat(200_000)}\n: 1`, /no such option/],
    ['only a text', 'hello', /expected an object/],
    ['only a list', '- 1', /expected an object/],
    ['nothing', '', /is missing/],
    ['a NUL byte', 'name: x\nfrom: \u0000', /line 2: a NUL byte/],
    ['larger than any', `#${'x'.repeat(2 ** 20)}`, /at most 1048576 are read/],
  ])('%s', async (_, text, expected) => {
    const path = file('c.yaml', text);
    const { code, message } = await refusal(path);
    expect(code).toMatch(/^CONFIG_/);
    expect(message).toContain(path);
    expect(message).toMatch(expected);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['Latin-1', Buffer.from('name: x\nfrom: caf\u00e9\n', 'latin1'), /line 2: not valid UTF-8/],
    ['a character cut off', Buffer.from('name: caf\u00e9').subarray(0, 10), /line 1: not valid UTF-8/],
    ['UTF-16', Buffer.from('\ufeffname: x', 'utf16le'), /UTF-16/],
  ])('%s', async (_, bytes, expected) => {
    for (const name of ['c.yaml', 'c.json', 'c.ts']) {
      const { code, message } = await refusal(file(name, bytes));
      expect(code).toBe('CONFIG_UNREADABLE');
      expect(message).toMatch(expected);
    }
  });

  test('a byte order mark is none of the text', async () => {
    for (const [name, text] of [
      ['c.yaml', 'name: x'],
      ['c.json', '{"name": "x"}'],
    ])
      expect((await refusal(file(name, `\ufeff${text}`))).message).toContain('sources: is missing');
  });

  test('aliases that save writing stay', async () => {
    const written = 'name: x\nsources: { a: &a { path: log.csv }, b: *a }\n';
    expect((await refusal(file('c.yaml', written))).message).toContain('fields: is missing');
  });
});

describe('JSON', () => {
  test.each<[string, string, RegExp]>([
    ['nested deep', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, /nested deeper/],
    ['a key twice', '{"name": "x", "name": "y"}', /the key "name" occurs twice/],
    ['a key twice, otherwise written', '{"a": {"b:c": 1, "b\\u003ac": 2}}', /occurs twice/],
    ['a prototype', '{"__proto__": {"a": 1}}', /__proto__/],
    ['no JSON', '{name: x}', /JSON/],
    ['a number', '1', /expected an object/],
    ['null', 'null', /is missing/],
    ['not finite', '{"name": 1e999}', /expected text/],
  ])('%s', async (_, text, expected) => {
    const path = file('c.json', text);
    const { code, message } = await refusal(path);
    expect(code).toMatch(/^CONFIG_/);
    expect(message).toContain(path);
    expect(message).toMatch(expected);
  });

  test('the same key in different objects is fine', async () => {
    const text = '{"name": "x: y, {", "sources": {"a": {"path": "a"}, "b": {"path": "b"}}}';
    expect((await refusal(file('c.json', text))).message).toContain('fields: is missing');
  });
});

describe('modules', () => {
  test.each<[string, string, RegExp]>([
    ['that throw', '\n\nthrow new Error("no luck");', /line 3: no luck/],
    [
      'that throw in a function',
      'function f() {\n  return (undefined as any).x;\n}\nexport default f();',
      /line 2: TypeError/,
    ],
    ['that throw a text', 'throw "no luck";', /it throws "no luck"/],
    ['that throw nothing', 'throw undefined;', /it throws undefined/],
    ['with a wrong syntax', 'export default {\n  name: ,\n};', /2/],
    ['that import what is not there', 'import "./nowhere.ts";\nexport default {};', /nowhere/],
    ['that recurse', 'const f = (): number => f() + 1;\nexport default { name: f() };', /line 1: RangeError/],
    ['without a default', 'export const name = "x";', /export default/],
    ['that export null', 'export default null;', /is missing|export default/],
    ['that export a function', 'export default () => ({});', /found a function/],
    ['that export a promise', 'export default Promise.resolve({});', /found a Promise/],
    ['that export a class', 'class A { name = "x" }\nexport default new A();', /found a A/],
    ['that export a map', 'export default { sources: new Map() };', /sources: .*found a Map/],
    ['that export a symbol', 'export default { name: Symbol("x") };', /name: .*found a symbol/],
    ['that export a large number', 'export default { name: 1n };', /name: .*found a bigint/],
    [
      'that export a function inside',
      'export default { fields: [{ name: () => 1 }] };',
      /fields.0.name: .*found a function/,
    ],
    ['that export themselves', 'const a: any = { name: "x" };\na.from = a;\nexport default a;', /nested deeper/],
    ['that export a proxy', 'export default new Proxy({}, { get: () => { throw 1; } });', /found a proxy/],
    ['with a getter that throws', 'export default { get name() { throw new Error("no luck"); } };', /no luck/],
    [
      'that export a growing tree',
      'let a: any = ["x"];\nfor (let i = 0; i < 50; i++) a = [a, a];\nexport default { notes: a };',
      /more than 1000000 values/,
    ],
    ['that export an endless list', 'export default { notes: new Array(4e9) };', /more than 1000000 entries/],
    ['that wait for ever', 'await new Promise(() => {});\nexport default {};', /./],
  ])('%s', async (_, text, expected) => {
    const path = file('c.ts', text);
    if (text.startsWith('await')) process.nextTick(() => setTimeout(() => process.emit('beforeExit', 0), 500));
    const { code, message } = await refusal(path);
    expect(code).toMatch(/^CONFIG_/);
    expect(message).toContain(path);
    expect(message).toMatch(expected);
    expect(message).not.toMatch(/node_modules|src\/config/);
  });

  test('that import each other work', async () => {
    const folder = temporaryFolder();
    writeFileSync(
      join(folder, 'a.ts'),
      'import { name } from "./b.ts";\nexport const x = 1;\nexport default { name };',
    );
    writeFileSync(join(folder, 'b.ts'), 'import "./a.ts";\nexport const name = "x";');
    expect((await refusal(join(folder, 'a.ts'))).message).toContain('sources: is missing');
  });
});

describe('what is no file', () => {
  test('folders, links, pipes and devices', async () => {
    const folder = temporaryFolder();
    for (const extension of ['yaml', 'json', 'ts']) {
      const path = (name: string) => join(folder, `${name}.${extension}`);
      mkdirSync(path('folder'));
      symlinkSync('/dev/zero', path('zero'));
      symlinkSync(path('nowhere'), path('broken'));
      symlinkSync(path('loop'), path('loop'));
      execFileSync('sh', ['-c', `mkfifo ${path('pipe')}`]);
      expect((await refusal(path('folder'))).message).toContain('found a folder');
      expect((await refusal(path('zero'))).message).toContain('found a device or a pipe');
      expect((await refusal(path('pipe'))).message).toContain('found a device or a pipe');
      expect((await refusal(path('broken'))).code).toBe('FILE_MISSING');
      await expect(loadDatasetConfig(path('loop'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    }
  });
});

describe('other ways in', () => {
  test('values and paths of --set', async () => {
    const path = file('c.yaml', 'name: x');
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    expect((await refusal(path, [`where=${deep}`])).message).toContain('sources: is missing');
    expect((await refusal(path, [`fields=${deep}`])).message).toMatch(/fields: expected a list/);
    expect((await refusal(path, [`name${'.a'.repeat(50_000)}=1`])).message).toContain('no such option');
    expect((await refusal(path, [`${'x'.repeat(100_000)}=1`])).message).toContain('no such option');
    expect((await refusal(path, ['__proto__.a=1'])).message).toContain('no such option');
  });

  test('objects of a program', async () => {
    const self: Record<string, unknown> = { name: 'x' };
    self.from = self;
    expect((await refusal(self)).message).toContain('nested deeper');
    expect((await refusal({ name: 1n })).message).toContain('found a bigint');
  });

  test('serving configurations and comparisons', async () => {
    const bomb = file('c.yaml', `${'['.repeat(5000)}${']'.repeat(5000)}`);
    await expect(loadServing(bomb)).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
    await expect(loadComparisonConfig(bomb, new Map())).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
  });
});
