import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { init } from '../../../src/data/init/init.ts';
import { createWorld } from '../../../src/data/synthetic/world.ts';
import { temporaryFolder } from '../support.ts';
import { proposeAndPrepare } from './init-proposal.ts';

test('a world of this project and the public ratings can be proposed and prepared', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'world.parquet');
  await createWorld({ scenarios: 4, tasks: 3 }).writeParquet(file, { rows: 1500 });
  const { config } = await proposeAndPrepare([file], folder);
  expect(config.tasks.map((t) => t.name)).toEqual(['click', 'like', 'share']);
  expect(config.scenario.values).toHaveLength(4);
  expect(config.fields.map((f) => `${f.name} ${f.kind}`)).toEqual(
    expect.arrayContaining(['tags multi', 'price numeric', 'user_id categorical']),
  );

  const ratings = join(import.meta.dirname, '../../../../shared/data/ml-100k');
  if (!existsSync(ratings)) return;
  const found = await init(['u.data', 'u.user', 'u.item'].map((name) => join(ratings, name)));
  expect(found.config.joins?.map((j) => j.on)).toEqual([{ user: 'user' }, { item: 'item' }]);
  expect(found.config.fields.slice(0, 2)).toEqual([
    { name: 'user', kind: 'categorical' },
    { name: 'item', kind: 'categorical' },
  ]);
});
