/** Rows for PostgreSQL, and the same rows in the words of DuckDB: what lands must be equal to them. */
import type { DatasetInput } from '../../src/config/dataset.ts';

/** By column: its type and value for row `i` in PostgreSQL, and the same for DuckDB. */
const COLUMNS: Record<string, [postgres: string, duckdb: string]> = {
  id: ['i::int8 + 9007199254740993', '(i + 9007199254740993)::BIGINT'],
  small: ['(i % 7)::int2', '(i % 7)::SMALLINT'],
  whole: ['nullif(i % 5, 0)::int4', 'nullif(i % 5, 0)::INTEGER'],
  price: ['(i * 0.37)::numeric(12, 4)', '(i * 0.37::DECIMAL(18, 2))::DECIMAL(12, 4)'],
  amount: ['nullif(i % 11, 3)::numeric / 4', '(nullif(i % 11, 3) / 4)::DOUBLE'],
  huge: ['i::numeric * 12345678901234567890.25', '(i * 12345678901234567890.25::DECIMAL(22, 2))::DECIMAL(38, 2)'],
  share: ['(i % 3)::float8 / 3', '(i % 3)::DOUBLE / 3'],
  single: ['((i % 3)::float4 / 3)::float4', '((i % 3)::FLOAT / 3::FLOAT)::FLOAT'],
  name: [
    "CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'Zürich \"x\", ' || chr(10) || '東京' ELSE 'NULL' END",
    "CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'Zürich \"x\", ' || chr(10) || '東京' ELSE 'NULL' END",
  ],
  at: [
    "timestamptz '2026-11-01 00:00:00.123456+02' + i * interval '1 minute'",
    "TIMESTAMPTZ '2026-11-01 00:00:00.123456+02' + to_minutes(i::INTEGER)",
  ],
  local: [
    "timestamp '2026-01-31 23:59:59' + i * interval '1 second'",
    "TIMESTAMP '2026-01-31 23:59:59' + to_seconds(i)",
  ],
  day: ["date '2000-02-28' + i::int % 400", "DATE '2000-02-28' + (i % 400)::INTEGER"],
  flag: ['CASE WHEN i % 3 = 0 THEN NULL ELSE i % 3 = 1 END', 'CASE WHEN i % 3 = 0 THEN NULL ELSE i % 3 = 1 END'],
  tags: [
    "CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN ARRAY[]::text[] ELSE ARRAY['a', NULL, 'b,\"{}', 'n' || i % 9] END",
    "CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN []::VARCHAR[] ELSE ['a', NULL, 'b,\"{}', 'n' || i % 9] END",
  ],
  numbers: ['ARRAY[i::int8, NULL, 9007199254740993]', '[i, NULL, 9007199254740993]::BIGINT[]'],
  prices: ['ARRAY[1.10, i * 0.37]::numeric(12, 4)[]', '[1.10, i * 0.37::DECIMAL(18, 2)]::DECIMAL(12, 4)[]'],
  about: [
    "CASE i % 2 WHEN 0 THEN NULL ELSE json_build_object('k', i % 5) END",
    "CASE i % 2 WHEN 0 THEN NULL ELSE '{\"k\" : ' || i % 5 || '}' END",
  ],
  token: [
    "('00000000-0000-4000-8000-' || lpad((i % 100)::text, 12, '0'))::uuid",
    "('00000000-0000-4000-8000-' || lpad((i % 100)::VARCHAR, 12, '0'))::UUID",
  ],
  bytes: ["decode(lpad(to_hex(i % 256), 2, '0'), 'hex')", "unhex(printf('%02x', i % 256))"],
  place: ["CASE i % 2 WHEN 0 THEN 'home' ELSE 'search' END", "CASE i % 2 WHEN 0 THEN 'home' ELSE 'search' END"],
  click: ['(i % 3 = 0)::int4', '(i % 3 = 0)::INTEGER'],
};

const list = (place: 0 | 1): string =>
  Object.entries(COLUMNS)
    .map(([name, sql]) => `${sql[place]} AS "${name}"`)
    .join(', ');

export const postgresRows = (rows: number): string =>
  `SELECT ${list(0)} FROM generate_series(0::int8, ${rows - 1}) AS i ORDER BY i`;
export const duckdbRows = (rows: number): string => `SELECT ${list(1)} FROM range(${rows}) AS r(i) ORDER BY i`;

export const NAMES = Object.keys(COLUMNS);

/** All columns as fields of some kind. */
const fieldsOfAll: DatasetInput['fields'] = [
  ...['id', 'small', 'price', 'huge', 'name', 'at', 'day', 'flag', 'token'].map((name) => ({
    name,
    kind: 'categorical' as const,
  })),
  ...['whole', 'amount', 'share', 'single'].map((name) => ({
    name,
    kind: 'numeric' as const,
    buckets: { edges: [0.5, 1, 2] },
  })),
  ...['tags', 'numbers', 'prices'].map((name) => ({ name, kind: 'multi' as const, maxLength: 3 })),
  { name: 'k', kind: 'categorical', expression: "json_extract_string(about, '$.k')" },
  { name: 'hour', kind: 'categorical', expression: 'hour(local)' },
  { name: 'size', kind: 'categorical', expression: 'octet_length(bytes)' },
];

export const shopOf = (source: DatasetInput['sources'][string], fields = fieldsOfAll): DatasetInput => ({
  name: 'shop',
  sources: { log: source },
  fields,
  scenario: { expression: 'place', values: ['home', 'search'] },
  tasks: [{ name: 'click', label: 'click' }],
});
