/** SQL of the values of requests against the row encoder's own functions, on arbitrary JSON values. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fieldSchema } from '../../../src/config/dataset/fields.ts';
import type { ValueField } from '../../../src/config/dataset.ts';
import { numberOf, tokenOf, tokensOf } from '../../../src/data/encode/tokens.ts';
import { openDuckDB, query } from '../../../src/data/sql/duckdb.ts';
import { registerNumberText } from '../../../src/data/sql/functions.ts';
import { requestValue } from '../../../src/data/sql/json.ts';
import { literal } from '../../../src/data/sql/text.ts';

/** What the sql of a field makes of values, as DuckDB reads them from a log. */
async function computed(field: object, values: readonly unknown[]): Promise<unknown[]> {
  const { connection, close } = await openDuckDB({ access: {} });
  try {
    await registerNumberText(connection);
    const rows = values.map((value, i) => `(${i}, ${literal(JSON.stringify({ value }))}::JSON)`);
    const sql = requestValue(fieldSchema.parse({ name: 'x', ...field }) as ValueField, "json_extract(line, '$.value')");
    const found = await query(
      connection,
      `SELECT ${sql} AS v FROM (VALUES ${rows.join(', ')}) AS t(i, line) ORDER BY i`,
      '',
    );
    return found.map(({ v }) => v);
  } finally {
    close();
  }
}

const texts = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'grapheme', maxLength: 3 }),
  fc.constantFrom('', ' ', 'null', 'true', '"', '1', '0x1', '|', 'a|b', '||', 'NaN', 'Infinity'),
);
const numbers = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  fc.constantFrom(-0, 0, 1e21, 1e-7, 1.5, 2 ** 53 - 1, 1e15, 123456789012345.6, 5e-324, 1.7976931348623157e308),
);
const scalars = fc.oneof(texts, numbers, fc.boolean(), fc.constant(null));
const numberTexts = fc.oneof(
  numbers.map(String),
  fc.constantFrom(
    ' 5 ',
    '+5',
    '1.',
    '.5',
    '1e3',
    '-1E-3',
    '\u00a07\u3000',
    '\ufeff8',
    '1_000',
    '5 5',
    '\t9\n',
    '1e999',
    '--1',
    '.',
    '',
  ),
);

test('tokens of categorical fields', async () => {
  const values = [...fc.sample(scalars, { numRuns: 2000, seed: 1 })];
  const expected = values.map((value) => tokenOf(value, 'x') ?? null);
  expect(await computed({ kind: 'categorical' }, values)).toEqual(expected);
});

test('numbers of numeric fields', async () => {
  const values = fc.sample(fc.oneof(numbers, numberTexts, fc.boolean(), fc.constant(null)), { numRuns: 2000, seed: 2 });
  const expected = values.map((value) => {
    try {
      return (numberOf(value, 'x') ?? Number.NaN) + 0;
    } catch {
      return Number.NaN; // a request with it is refused
    }
  });
  const found = await computed({ kind: 'numeric' }, values);
  expect(found.map((v) => (v === null ? Number.NaN : v))).toEqual(expected);
});

test('tokens of multi-value fields', async () => {
  const values = fc.sample(fc.oneof(scalars, fc.array(scalars, { maxLength: 6 })), { numRuns: 2000, seed: 3 });
  const found = await computed({ kind: 'multi', separator: '|', maxLength: 3 }, values);
  const expected = values.map((value) => tokensOf(value, '|', 3, 'x'));
  expect(found.map((v) => v ?? [])).toEqual(expected);
});
