import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DatasetInput } from '../../src/config/dataset.ts';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { failure } from '../data/support.ts';
import { faultFolder } from './folder.ts';

const problemsOf = async (config: string | object): Promise<{ path: string; message: string }[]> => {
  const { code, details } = await failure(loadDatasetConfig(config));
  expect(code).toBe('CONFIG_INVALID');
  return (details as { problems: { path: string; message: string }[] }).problems;
};

test('fields item and Item are refused, both named', async () => {
  const [{ path, message }, ...others] = await problemsOf(join(faultFolder('12-field-case'), 't.yaml'));
  expect(others).toEqual([]);
  expect(path).toBe('fields');
  expect(message).toMatch(/differ in case alone: "item" and "Item"/);
});

const CONFIG: DatasetInput = {
  name: 't',
  sources: { log: { path: 'log.csv' } },
  fields: [{ name: 'item', kind: 'categorical' }],
  scenario: { expression: 'place', values: ['home', 'search'] },
  tasks: [{ name: 'click', label: 'click' }],
};

test.each([
  [
    'tasks',
    {
      tasks: [
        { name: 'like', label: 'a' },
        { name: 'Like', label: 'b' },
      ],
    },
    '"like" and "Like"',
  ],
  ['sources', { from: 'log', sources: { log: { path: 'a' }, LOG: { path: 'b' } } }, '"log" and "LOG"'],
  [
    'sequences.types',
    { sequences: { key: 'u', time: 't', item: 'item', types: { seen: 'a', Seen: 'b' } } },
    '"seen" and "Seen"',
  ],
  ['scenario', { scenario: { expression: 'place', values: ['home', 'Home'] } }, '"home" and "Home"'],
  ['scenario', { scenario: { expression: 'place', values: [0, 1], names: ['Übersicht', 'übersicht'] } }, 'Übersicht'],
  ['sources.log.derive', { sources: { log: { path: 'a', derive: { hour: '1', Hour: '2' } } } }, '"hour" and "Hour"'],
])('so are %s', async (path, change, names) => {
  const problems = await problemsOf({ ...CONFIG, ...change });
  expect(problems.map((problem) => problem.path)).toEqual([path]);
  expect(problems[0].message).toMatch(/differ in case alone/);
  expect(problems[0].message).toContain(names);
});

test('names that are given twice are named', async () => {
  const twice = [...CONFIG.fields, ...CONFIG.fields];
  expect(await problemsOf({ ...CONFIG, fields: twice })).toEqual([
    { path: 'fields', message: 'two fields have the same name: "item"' },
  ]);
  const values = await problemsOf({ ...CONFIG, scenario: { expression: 'p', values: [1, '1'], names: ['a', 'b'] } });
  expect(values).toEqual([{ path: 'scenario', message: 'a value is listed twice' }]);
});

test('every pair is reported at once, among other mistakes', async () => {
  const problems = await problemsOf({
    ...CONFIG,
    fields: ['a', 'A', 'b', 'B'].map((name) => ({ name, kind: 'categorical' })),
    tasks: [...CONFIG.tasks, { name: 'CLICK', label: 'x' }],
  });
  expect(problems.map(({ path }) => path)).toEqual(['fields', 'fields', 'tasks']);
});
