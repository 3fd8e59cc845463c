import { expect, test } from 'vitest';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { dataset, temporaryFolder } from '../support.ts';

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
