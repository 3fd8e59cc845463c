import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readFiles } from '../read-source.ts';
import { failure } from '../support.ts';

const TWO = [
  { a: '1', b: 'x' },
  { a: '2', b: 'y' },
];

describe('layouts', () => {
  const lines = '{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n';
  test.each<[string, string, string | Uint8Array]>([
    ['lines', 't.jsonl', lines],
    ['lines with a byte order mark', 't.jsonl', `\ufeff${lines}`],
    ['lines with empty ones between', 't.ndjson', `\r\n${lines.replaceAll('\n', '\r\n\r\n')}   \n`],
    ['packed lines', 't.json.gz', gzipSync(lines)],
    ['a list', 't.json', `[\n {"a":1,\n "b":"x"},\n{"a":2,"b":"y"}]`],
    ['a list with a byte order mark', 't.json', '\ufeff[{"a":1,"b":"x"},{"a":2,"b":"y"}]'],
    ['a packed list', 't.json.gz', gzipSync('[{"a":1,"b":"x"},{"a":2,"b":"y"}]')],
    ['objects over several lines', 't.json', '{\n "a": 1,\n "b": "x"\n}\n{\n "a": 2,\n "b": "y"\n}\n'],
  ])('%s', async (_name, name, content) => {
    expect((await readFiles({ [name]: content }, { path: name })).rows).toEqual(TWO);
  });

  test('files of different layouts are one source', async () => {
    const files = { '1.json': '[{"a":1}]', '2.json': '{"a":"x"}\n{"b":2.5}\n', '3.json': '[{"a":9007199254740993}]' };
    const { rows } = await readFiles(files, { path: '*.json' });
    expect(rows).toEqual([
      { a: '1', b: null },
      { a: 'x', b: null },
      { a: null, b: '2.5' },
      { a: '9007199254740993', b: null },
    ]);
  });

  test('a broken line is named', async () => {
    const { code, message } = await failure(readFiles({ 't.json': '{"a":1}\n{"a":}\n' }, { path: 't.json' }));
    expect(code).toBe('DATA_FILE_DAMAGED');
    expect(message).toMatch(/t\.json .*line 2/);
  });
});

test('keys and types of all files count, also of the fortieth', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 45 }, (_, i) => [`${10 + i}.jsonl`, i === 40 ? '{"a":"guest","rare":1}\n' : `{"a":${i}}\n`]),
  );
  const { types, rows } = await readFiles(files, { path: '*.jsonl' });
  expect(types).toEqual({ a: 'VARCHAR', rare: 'BIGINT' });
  expect(rows[40]).toEqual({ a: 'guest', rare: '1' });
  expect(rows[39]).toEqual({ a: '39', rare: null });
});

test('values of mixed types are their texts, numbers as JavaScript prints them', async () => {
  const values = ['17', '"17"', '1.50', '1e3', '3.0', 'true', 'null', '""', '"a\\"b"', '9007199254740993', '-0.0'];
  const { rows } = await readFiles({ 't.json': values.map((v) => `{"a":${v}}`).join('\n') }, { path: 't.json' });
  const printed = ['17', '17', '1.5', '1000', '3', 'true', null, null, 'a"b', '9007199254740993', '0'];
  expect(rows.map(({ a }) => a)).toEqual(printed);
});

test('objects are STRUCTs, lists lists, dates texts', async () => {
  const line = '{"user":{"age":3,"born":"2020-01-02"},"tags":["x"],"at":"2024-01-01T00:00:00Z","mixed":[1,"b",null]}';
  const { types, rows } = await readFiles({ 't.json': line }, { path: 't.json', derive: { age: '"user".age' } });
  expect(types).toEqual({
    user: 'STRUCT(age BIGINT, born VARCHAR)',
    tags: 'VARCHAR[]',
    at: 'VARCHAR',
    mixed: 'VARCHAR[]',
    age: 'BIGINT',
  });
  expect(rows[0]).toMatchObject({ at: '2024-01-01T00:00:00Z', mixed: '[1, b, NULL]', age: '3' });
});
