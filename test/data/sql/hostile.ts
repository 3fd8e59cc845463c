/** Expressions that do something else than compute a value, for every place of a configuration that takes one. */
import type { DatasetInput } from '../../../src/config/dataset.ts';

/** Hostile expressions over a folder that has a file `secret.csv` and that they try to write `evil.*` into. */
export const hostileExpressions = (folder: string): Record<string, string> => ({
  'closes its parenthesis to copy': `1) AS a FROM (SELECT 1)); COPY (SELECT 1) TO '${folder}/evil.csv'; SELECT (1`,
  'a second statement': `1; COPY (SELECT 1) TO '${folder}/evil.csv'`,
  'a statement instead': `COPY (SELECT 1) TO '${folder}/evil.csv'`,
  'closes to select from a file': `1) FROM read_csv('${folder}/secret.csv') WHERE (true`,
  'closes to filter': '1) WHERE (false',
  'closes to select twice': '1), (2',
  'closes a bracket to go on': '1)::INTEGER + (2',
  'closes both kinds in turn': '1) + ([2] || [3])[(1',
  'a union': '1) UNION ALL SELECT (2',
  'a limit': '1) LIMIT (1',
  'two values': '1, 2',
  'an open comment': '1 /*',
  'a comment that closes ours': '1 */ /*',
  'an open text': "'abc",
  'an open dollar text': '$$abc',
  'a bare select': `SELECT 1 FROM read_text('${folder}/secret.csv')`,
  'reads a text file': `(SELECT content FROM read_text('${folder}/secret.csv'))`,
  'reads bytes': `(SELECT size FROM read_blob('/etc/passwd'))`,
  'reads a table of text': `(SELECT count(*) FROM read_csv('/etc/passwd', header = false, columns = {'c': 'VARCHAR'}))`,
  'reads Parquet': `(SELECT count(*) FROM read_parquet('${folder}/**/*.parquet'))`,
  'reads JSON': `(SELECT count(*) FROM read_json_auto('${folder}/secret.csv'))`,
  'a file by its name': `(SELECT count(*) FROM '${folder}/secret.csv')`,
  'a file by its name, FROM first': `EXISTS (FROM '/etc/passwd')`,
  'a file by the name of WITH': `(WITH "${folder}/secret.csv" AS (SELECT 1) SELECT count(*) FROM "${folder}/secret.csv")`,
  'a file in a union': `(SELECT 1 UNION ALL SELECT count(*) FROM 'secret.csv')`,
  'a file in a join': `(SELECT count(*) FROM sources.log JOIN '${folder}/secret.csv' ON true)`,
  'a file below WITH': `(WITH a AS (SELECT * FROM read_csv('${folder}/secret.csv')) SELECT count(*) FROM a)`,
  'a file in a lambda': `list_transform([1], lambda x: (SELECT count(*) FROM '${folder}/secret.csv'))`,
  'a list of files': `(SELECT count(*) FROM glob('/etc/*'))`,
  'a query out of text': `(SELECT * FROM query('SELECT 1'))`,
  'a table out of text': `(SELECT count(*) FROM query_table('duckdb_settings'))`,
  'a statement out of JSON': `(FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1')))`,
  'settings as a table': '(SELECT count(*) FROM duckdb_settings())',
  'system tables': '(SELECT count(*) FROM information_schema.tables)',
  'tables of ours': '(SELECT count(*) FROM rows)',
  'a setting': "current_setting('temp_directory')",
  'the environment': "getenv('HOME')",
  'a function of another schema': 'information_schema.abs(1)',
  'a table of remarks': '(SELECT count(*) FROM (SHOW TABLES))',
  'a description': '(SELECT count(*) FROM (DESCRIBE sources.log))',
  'over the network': "(SELECT count(*) FROM 'https://127.0.0.1:1/x.parquet')",
  'over object storage': "(SELECT count(*) FROM read_parquet('s3://bucket/x.parquet'))",
  'a recursion without end': '(WITH RECURSIVE t AS (SELECT 1 AS x UNION ALL SELECT x FROM t) SELECT count(*) FROM t)',
  'many rows of one': 'unnest([1, 2, 3])',
  'many columns of one': 'COLUMNS(*)',
  'all columns': '*',
  'a column by its place': '#1',
  'a parameter': '$1',
  'a default': 'DEFAULT',
  'a wait': 'pg_sleep(1000)',
  'a note in the log': "write_log('x')",
  'nested without end': `${'('.repeat(20_000)}1${')'.repeat(20_000)}`,
  'nested lists without end': `${'['.repeat(20_000)}1${']'.repeat(20_000)}`,
  'longer than any': `'${'x'.repeat(200_000)}'`,
  'an attachment': `1); ATTACH '${folder}/evil.duckdb' AS e; SELECT (1`,
  'an extension': '1); INSTALL httpfs; LOAD httpfs; SELECT (1',
  'a pragma': '1); PRAGMA enable_profiling; SELECT (1',
  'a change of settings': '1); SET enable_external_access = true; SELECT (1',
});

/** Expressions that ask for more memory than there is. */
export const MEMORY_BOMBS: Record<string, string> = {
  'a long list': 'len(range(1000000000000))',
  'a long text': "length(repeat('x', 10000000000))",
  'lists of lists': 'len(list_transform(range(100000), lambda x: range(1000000)))',
  'texts of texts':
    "length(list_aggregate(list_transform(range(1000), lambda x: repeat('x', 10000000)), 'string_agg', ''))",
  'a list of all rows': '(SELECT len(list(repeat(user, 1000000))) FROM sources.log)',
  'a long padding': "length(lpad('x', 2000000000, 'y'))",
  'a product': 'len(range(1000 * 1000 * 1000))',
  'a large whole number': 'len(range(1000000000000000000000))',
  'a tree of lists':
    '(SELECT list(list(o.time) || range(o.time + 900000)) FROM sources.log AS o, sources.log AS p GROUP BY p.time)',
};

export const LOG_CSV = `user,page,click,time\n${Array.from({ length: 40 }, (_, i) => `u${i % 7},${i % 2},${Number(i % 3 === 0)},${i}`).join('\n')}\n`;

const SOUND: DatasetInput = {
  name: 'log',
  sources: { log: { path: 'log.csv' } },
  fields: [{ kind: 'categorical', name: 'user' }],
  scenario: { expression: 'page', values: [0, 1] },
  tasks: [{ name: 'click', label: 'click' }],
  split: { kind: 'time', column: 'time' },
};

/** A sound configuration with an expression in one of the places that take one. */
export const PLACES: Record<string, (sql: string) => DatasetInput> = {
  derive: (sql) => ({
    ...SOUND,
    sources: { log: { path: 'log.csv', derive: { extra: sql } } },
    fields: [{ kind: 'categorical', name: 'extra' }],
  }),
  field: (sql) => ({ ...SOUND, fields: [{ kind: 'categorical', name: 'user', expression: sql }] }),
  where: (sql) => ({ ...SOUND, where: sql }),
  label: (sql) => ({ ...SOUND, tasks: [{ name: 'click', label: sql }] }),
  scenario: (sql) => ({ ...SOUND, scenario: { expression: sql, values: [0, 1] } }),
  weight: (sql) => ({ ...SOUND, weight: sql }),
  group: (sql) => ({ ...SOUND, group: sql }),
  'time split': (sql) => ({ ...SOUND, split: { kind: 'time', column: sql } }),
  'key split': (sql) => ({ ...SOUND, split: { kind: 'key', column: sql } }),
  'column split': (sql) => ({ ...SOUND, split: { kind: 'column', column: sql } }),
  'sequence key': (sql) => ({ ...SOUND, sequences: { ...SEQUENCES, key: sql } }),
  'sequence time': (sql) => ({ ...SOUND, sequences: { ...SEQUENCES, time: sql } }),
  'sequence condition': (sql) => ({ ...SOUND, sequences: { ...SEQUENCES, types: { clicked: sql } } }),
};

const SEQUENCES = { key: 'page', time: 'time', item: 'user', types: { clicked: 'click = 1' } };
