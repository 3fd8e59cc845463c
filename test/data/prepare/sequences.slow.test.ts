/** Sequences of a real log, and of a key with very many events. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { recipes } from '../../../src/data/recipes/recipes.ts';
import { findSources } from '../../../src/data/sources/find.ts';
import { joinedRelation } from '../../../src/data/sources/joined.ts';
import { createSourceViews } from '../../../src/data/sources/views.ts';
import { openDuckDB, query } from '../../../src/data/sql/duckdb.ts';
import { dataset, EVERYWHERE, temporaryFolder } from '../support.ts';
import { expectLastItems } from './sequence-log.ts';

const ML100K = join(import.meta.dirname, '../../../../shared/data/ml-100k');

test('random logs: the last items before the row, by SQL and by the row encoder', () => expectLastItems(8));

test('MovieLens 100K: as many items as a count of earlier ratings says', async ({ skip }) => {
  if (!existsSync(ML100K)) skip(`no data in ${ML100K}`);
  const config = dataset(await recipes['ml-100k'].prepareConfig(ML100K, { split: 'time', sequences: 20 }));
  const out = join(temporaryFolder(), 'prepared');
  const { manifest } = await prepare({ config, sourceFolder: ML100K, out });
  expect(manifest.splits.train.rows / 100_000).toBeCloseTo(0.8, 2);

  const { connection, close } = await openDuckDB(EVERYWHERE);
  const sources = await createSourceViews(connection, config, await findSources(config.sources, ML100K));
  const types = Object.entries(config.sequences?.types ?? {});
  const earlier = 'PARTITION BY user_id ORDER BY timestamp RANGE UNBOUNDED PRECEDING EXCLUDE GROUP';
  const counts = types.map(
    ([type, sql]) => `least(20, coalesce(sum((${sql})::INTEGER) OVER (${earlier}), 0)) AS ${type}`,
  );
  const sums = types.map(([type]) => `sum(${type})::INTEGER AS ${type}`).join(', ');
  const lengths = types.map(([type]) => `sum(len(sequence_${type}))::INTEGER AS ${type}`).join(', ');
  const [expected] = await query(
    connection,
    `SELECT ${sums} FROM (SELECT ${counts.join(', ')} FROM ${joinedRelation(config, sources)})`,
    'counting',
  );
  const [found] = await query(connection, `SELECT ${lengths} FROM read_parquet('${out}/*.parquet')`, 'counting');
  close();
  expect(found).toEqual(expected);
  expect(Number(found.liked)).toBeGreaterThan(500_000);
});

test('a key with 300,000 events costs no more than rows times length', async () => {
  const rows = 300_000;
  const length = 10;
  // One user; item i % 1000 at time i, every second event counts.
  const lines = Array.from({ length: rows }, (_, i) => `${i % 1000},${i}`);
  const folder = temporaryFolder({ 'log.csv': `item,seen\n${lines.join('\n')}\n` });
  const config = dataset({
    name: 'log',
    sources: { log: { path: 'log.csv' } },
    fields: [{ name: 'item', kind: 'categorical' }],
    scenario: { expression: '0', values: [0] },
    tasks: [{ name: 'even', label: 'seen % 2 = 0' }],
    split: { kind: 'time', column: 'seen' },
    sequences: { key: "'everybody'", time: 'seen', item: 'item', length, types: { even: 'seen % 2 = 0' } },
    vocabulary: { from: 'all' },
  });
  const out = join(folder, 'out');
  await prepare({ config, sourceFolder: folder, out, memoryLimit: '300MB' }); // in square, the lists take a terabyte
  const { connection, close } = await openDuckDB(EVERYWHERE);
  const tokens = `(SELECT token::INTEGER AS item, id FROM read_parquet('${out}/vocabularies/item.parquet'))`;
  const [found] = await query(
    connection,
    `SELECT count(*)::INTEGER AS rows, sum(len(sequence_even))::INTEGER AS items,
       count(*) FILTER (v.item IS DISTINCT FROM (t.item + 998 + t.item % 2) % 1000)::INTEGER AS odd
     FROM (SELECT field_item, sequence_even, w.item FROM read_parquet('${out}/*.parquet') JOIN ${tokens} AS w ON w.id = field_item) AS t
     LEFT JOIN ${tokens} AS v ON v.id = t.sequence_even[-1]`,
    'counting',
  );
  close();
  expect(found.rows).toBe(rows);
  // The first rows have fewer items: 0 before row 0, 1 before rows 1 and 2, 2 before 3 and 4 ...
  const missing = length + 2 * Array.from({ length }, (_, k) => length - k).reduce((a, b) => a + b) - 2 * length;
  expect(found.items).toBe(rows * length - missing);
  expect(found.odd).toBe(1); // row 0 has no newest item; the others have the even one before them
});
