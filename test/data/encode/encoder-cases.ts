/** Values of every type that a field can have, encoded both ways: by the SQL of preparation and by the row encoder. */
import { join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { DatasetInput } from '../../../src/config/dataset.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { execute, openDuckDB } from '../../../src/data/sql/duckdb.ts';
import { literal } from '../../../src/data/sql/text.ts';
import { openRowEncoder } from '../row-encoder.ts';
import { dataset, EVERYWHERE, temporaryFolder } from '../support.ts';

type Value = string | number | bigint | boolean | null | Value[];

/** SQL of a value in a column of the type. */
function sqlValue(value: Value, type: string): string {
  if (value === null) return `NULL::${type}`;
  if (Array.isArray(value)) return `[${value.map((v) => sqlValue(v, type.replace(/\[\]$/, ''))).join(', ')}]::${type}`;
  if (typeof value === 'number') {
    const text = Object.is(value, -0) ? '-0' : String(value);
    return `${literal(text)}::${type}`;
  }
  return `${literal(String(value))}::${type}`;
}

interface Column {
  type: string;
  field: DatasetInput['fields'][number];
  values: Value[];
}

/**
 * Writes the columns as one Parquet file (named v0, v1 ...) and prepares a field of each (x0, x1 ...); returns per
 * column the ids of SQL and of the row encoder by row, and the tokens.
 */
export async function bothWays(columns: Column[]) {
  const folder = temporaryFolder();
  const { connection, close } = await openDuckDB(EVERYWHERE);
  const rows = columns[0].values.map(
    (_, i) => `(${[i, ...columns.map((c) => sqlValue(c.values[i], c.type))].join(', ')})`,
  );
  const names = ['i', ...columns.map((_, c) => `v${c}`)].join(', ');
  const table = `SELECT * FROM (VALUES ${rows.join(', ')}) AS t(${names}) ORDER BY i`;
  await execute(connection, `COPY (${table}) TO '${folder}/t.parquet' (FORMAT parquet)`, 'writing');
  close();
  const config = dataset({
    name: 'both',
    sources: { t: { path: 't.parquet' } },
    fields: columns.map(({ field }, c) => ({ ...field, name: `x${c}`, expression: `v${c}` })),
    scenario: { expression: '0', values: [0] },
    tasks: [{ name: 'click', label: '1' }],
    // A third of the rows is kept out of the vocabulary.
    split: { kind: 'column', column: "CASE i % 3 WHEN 0 THEN 'test' ELSE 'train' END" },
  });
  const { manifest } = await prepare({ config, sourceFolder: folder, out: join(folder, 'out') });
  const data = await openPrepared(join(folder, 'out'));
  const encoder = await openRowEncoder(data);
  const sql: number[][] = [];
  for (const split of ['train', 'test'] as const) {
    const reader = await data.open(split);
    const order = rows.map((_, i) => i).filter((i) => (i % 3 === 0) === (split === 'test'));
    for await (const batch of reader.batches({ batchSize: 1000 }))
      for (let i = 0; i < batch.size; i++)
        sql[order[batch.row[i]]] = [...batch.ids.subarray(i * encoder.slots, (i + 1) * encoder.slots)];
    await reader.close();
  }
  const ours = rows.map((_, i) => {
    const ids = new Int32Array(encoder.slots);
    encoder.encode(Object.fromEntries(columns.map(({ values }, c) => [`x${c}`, values[i]])), ids);
    return [...ids];
  });
  let slot = 0;
  const results: { sql: number[][]; ours: number[][]; tokens: string[] }[] = [];
  for (const { name, slots, offset } of manifest.fields) {
    const own = (row: number[]) => row.slice(slot, slot + slots).map((id) => id - offset);
    results.push({ sql: sql.map(own), ours: ours.map(own), tokens: await data.tokens(name) });
    slot += slots;
  }
  return results;
}

const texts = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    'a',
    'A',
    'ä',
    'a\u0308',
    '\u00e4',
    '日本',
    '😀',
    'null',
    'NULL',
    '0',
    '00',
    '3',
    '3.0',
    "it's",
    'x'.repeat(70_000),
    'a|b',
    '\n',
    '"',
  ),
  fc.string({ unit: 'binary', maxLength: 6 }).map((s) => s.replaceAll('\0', '')),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
);
const doubles = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    3,
    1e21,
    1e-7,
    123456789012345680000,
    Number.NaN,
    Infinity,
    -Infinity,
    2,
    2.0001,
    0.1,
    -1.5,
    Number.MAX_VALUE,
    5e-324,
  ),
  fc.double(),
  fc.integer({ min: -5, max: 50 }),
);
const integers = fc.oneof(
  fc.constantFrom(0n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)),
  fc.bigInt({ min: -20n, max: 20n }),
);
const orNull = <T>(values: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: values }, { weight: 1, arbitrary: fc.constant(null) });

const cases: { name: string; type: string; field: DatasetInput['fields'][number]; value: fc.Arbitrary<Value> }[] = [
  { name: 'text', type: 'VARCHAR', field: { name: 'x', kind: 'categorical' }, value: texts },
  { name: 'bigint', type: 'BIGINT', field: { name: 'x', kind: 'categorical' }, value: integers },
  { name: 'double', type: 'DOUBLE', field: { name: 'x', kind: 'categorical' }, value: doubles },
  { name: 'boolean', type: 'BOOLEAN', field: { name: 'x', kind: 'categorical' }, value: fc.boolean() },
  {
    name: 'date',
    type: 'DATE',
    field: { name: 'x', kind: 'categorical' },
    value: fc.constantFrom('2024-02-29', '1969-12-31', '0044-03-15'),
  },
  {
    name: 'hashed text',
    type: 'VARCHAR',
    field: { name: 'x', kind: 'categorical', hash: 97 },
    value: texts,
  },
  {
    name: 'hashed double',
    type: 'DOUBLE',
    field: { name: 'x', kind: 'categorical', hash: 1_000_003 },
    value: doubles,
  },
  {
    name: 'numeric, logSquare',
    type: 'DOUBLE',
    field: { name: 'x', kind: 'numeric' },
    value: doubles,
  },
  { name: 'numeric bigint', type: 'BIGINT', field: { name: 'x', kind: 'numeric' }, value: integers },
  {
    name: 'numeric, edges',
    type: 'DOUBLE',
    field: { name: 'x', kind: 'numeric', buckets: { edges: [-1, 0, 0.1, 3] } },
    value: doubles,
  },
  {
    name: 'numeric, quantiles',
    type: 'DOUBLE',
    field: { name: 'x', kind: 'numeric', buckets: { quantiles: 4 } },
    value: doubles,
  },
  {
    name: 'multi text',
    type: 'VARCHAR',
    field: { name: 'x', kind: 'multi', maxLength: 3 },
    value: fc.array(texts, { maxLength: 5 }).map((parts) => parts.join('|')),
  },
  {
    name: 'multi list of texts',
    type: 'VARCHAR[]',
    field: { name: 'x', kind: 'multi', maxLength: 3 },
    value: fc.array(orNull(texts), { maxLength: 5 }),
  },
  {
    name: 'multi list of doubles',
    type: 'DOUBLE[]',
    field: { name: 'x', kind: 'multi', maxLength: 3 },
    value: fc.array(orNull(doubles), { maxLength: 5 }),
  },
  {
    name: 'multi list, hashed',
    type: 'BIGINT[]',
    field: { name: 'x', kind: 'multi', maxLength: 2, hash: 11 },
    value: fc.array(orNull(integers), { maxLength: 4 }),
  },
  {
    name: 'multi of a single number',
    type: 'BIGINT',
    field: { name: 'x', kind: 'multi', maxLength: 2 },
    value: integers,
  },
];

/** The same ids both ways, whatever the values. */
export async function expectSameIds({ numRuns, rowsAtMost }: { numRuns: number; rowsAtMost: number }): Promise<void> {
  const row = fc.tuple(...cases.map((c) => orNull(c.value)));
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 3, maxLength: rowsAtMost, size: 'max' }), async (rows) => {
      const columns = cases.map(({ type, field }, c) => ({ type, field, values: rows.map((values) => values[c]) }));
      const results = await bothWays(columns);
      for (const [c, { sql, ours }] of results.entries()) expect(ours, cases[c].name).toEqual(sql);
    }),
    { numRuns },
  );
}
