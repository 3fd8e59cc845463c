import { expect, test } from 'vitest';
import { datasetSchema } from '../../../src/config/dataset.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { dataset, temporaryFolder } from '../support.ts';

test.each([
  ['fields', { fields: ['id', 'fields'] }, 'next to a field "id", requests give values of items under it'],
  ['sequences', { fields: ['item', 'sequences'], sequences: true }, 'requests give the sequences of a user under it'],
  ['con', { fields: ['con'] }, 'Windows takes a file of that name for a device'],
])('a field called %s is refused before anything is prepared, with what to do', (name, { fields, ...has }, why) => {
  const config = {
    name: 'names',
    sources: { log: { path: 'log.csv' } },
    fields: fields.map((field) => ({ kind: 'categorical', name: field })),
    scenario: { expression: 'place', values: [0, 1] },
    tasks: [{ name: 'click', label: 'click' }],
    ...('sequences' in has && { sequences: { key: 'user', time: 'time', item: 'item', types: { seen: 'true' } } }),
  };
  expect(datasetSchema.safeParse(config).error?.issues).toMatchObject([
    { path: ['fields', fields.indexOf(name)], message: expect.stringContaining(why) },
  ]);
  const renamed = fields.map((field) => ({
    kind: 'categorical',
    name: field === name ? 'other' : field,
    expression: 'x',
  }));
  expect(datasetSchema.safeParse({ ...config, fields: renamed }).success).toBe(true);
});

test.each(['rows', 'placed', 'borders', 'groups', 'encoded', 'sources'])(
  'a source may be called %s, like a table of our own',
  async (name) => {
    const lines = Array.from({ length: 40 }, (_, i) => `u${i % 7},${i % 2},${Number(i % 3 === 0)},${i}`);
    const folder = temporaryFolder({ 'log.csv': `user,place,click,time\n${lines.join('\n')}` });
    const config = dataset({
      name: 'names',
      sources: { [name]: { path: 'log.csv' } },
      fields: [{ kind: 'categorical', name: 'user' }],
      scenario: { expression: 'place', values: [0, 1] },
      tasks: [{ name: 'click', label: 'click' }],
      group: '"user"',
      split: { kind: 'time', column: 'time' },
    });
    const { manifest } = await prepare({ config, sourceFolder: folder, out: `${folder}/out` });
    expect(Object.values(manifest.splits).map(({ rows }) => rows)).toEqual([32, 4, 4]);
  },
);
