/** Joined rows are a data set that fits the artifact: same fields, buckets, scenarios and tasks, in its order. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDatasetConfig } from '../../../src/config/load.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { artifact, temporaryFolder } from '../../serve/support.ts';
import { addSegment, CONFIG, drawLog, joined, rowsOf } from './logs.ts';

test('the dataset configuration next to the rows prepares at once, with the fields of the artifact', async () => {
  const { folder, manifest } = artifact();
  const [log, rows, out] = [
    join(temporaryFolder(), 'log'),
    join(temporaryFolder(), 'rows'),
    join(temporaryFolder(), 'data'),
  ];
  addSegment(log, drawLog(1, { answers: 200 }));
  const { dataset } = await joined(log, rows, {
    ...CONFIG,
    artifact: folder,
    negatives: { rate: 0.5 },
    weight: "CASE WHEN log_scenario = 'home' THEN 2 ELSE 1 END -- twice",
    where: "log_unit <> 'user 1' -- or no unit",
    name: 'shop',
  });
  const config = await loadDatasetConfig(dataset);
  const done = await prepare({ config, sourceFolder: rows, out });
  const { fields, scenarios, tasks, name } = done.manifest;
  const { data } = manifest;
  expect(name).toBe('shop');
  expect(fields.map((field) => [field.name, field.kind, field.slots, field.edges])).toEqual(
    data.fields.map((field) => [field.name, field.kind, field.slots, field.edges]),
  );
  expect({ scenarios, tasks }).toEqual({ scenarios: data.scenarios, tasks: data.tasks });
  const all = await rowsOf(rows);
  const kept = all.filter((row) => row.log_unit !== null && row.log_unit !== 'user 1');
  const { splits } = done.manifest;
  expect(splits.train.rows + splits.validation.rows + splits.test.rows).toBe(kept.length);
  const prepared = await openPrepared(out);
  const first = prepared.batches('train')[Symbol.asyncIterator]();
  const { value: batch } = await first.next();
  kept.slice(0, batch.size).forEach((row, i) => {
    expect(batch.scenario[i]).toBe(scenarios.indexOf(row.log_scenario as string));
    expect([batch.labels[2 * i], batch.labels[2 * i + 1]]).toEqual([row.label_click, row.label_purchase]);
    expect(batch.weight[i]).toBe((row.log_weight as number) * (row.log_scenario === 'home' ? 2 : 1));
  });
  await first.return?.();
});
