import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { datasetSchema } from '../../../src/config/dataset.ts';
import { validate } from '../../../src/data/checks/validate.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { execute, openDuckDB } from '../../../src/data/sql/duckdb.ts';
import { inspectSources } from '../inspect-sources.ts';
import { dataset, failure, temporaryFolder } from '../support.ts';
import { hostileExpressions, LOG_CSV, MEMORY_BOMBS, PLACES } from './hostile.ts';

const world = () => temporaryFolder({ 'log.csv': LOG_CSV, 'secret.csv': 'k,v\n1,hidden\n' });
const names = Object.keys(hostileExpressions(''));
const places = Object.keys(PLACES);

describe('an expression computes a value and does nothing else', () => {
  test.each(names.map((name, i) => [name, places[i % places.length]]))('%s (in: %s)', async (name, first) => {
    const folder = world();
    const sql = hostileExpressions(folder)[name];
    for (const place of new Set([first, 'derive'])) {
      const parsed = datasetSchema.safeParse(PLACES[place](sql));
      if (!parsed.success) continue; // refused before anything is opened
      const config = parsed.data;
      const refused = await failure(prepare({ config, sourceFolder: folder, out: join(folder, 'out') }));
      expect(refused.code).toBe('DATA_EXPRESSION_INVALID');
      expect(refused.message).not.toContain('hidden');
      const findings = await validate(config, folder);
      expect(findings.filter(({ level }) => level === 'fail').map(({ message }) => message)).toEqual([refused.message]);
    }
    expect(readdirSync(folder).sort()).toEqual(['log.csv', 'secret.csv']);
  });

  test('a derived column of sources that are only looked at', async () => {
    const folder = world();
    const config = dataset(PLACES.derive(hostileExpressions(folder)['closes its parenthesis to copy']));
    expect((await failure(inspectSources(config, folder))).code).toBe('DATA_EXPRESSION_INVALID');
    expect(readdirSync(folder).sort()).toEqual(['log.csv', 'secret.csv']);
  });

  test.each([
    "CASE WHEN user = 'u1' THEN 1 ELSE 0 END",
    '(SELECT count(*) FROM sources.log AS other WHERE other.user = log.user)',
    '(WITH few AS (SELECT user FROM sources.log WHERE click = 1) SELECT count(*) FROM few)',
    'user IN (SELECT user FROM sources.log)',
    '(SELECT max(x) FROM unnest([1, 2]) AS t(x))',
    "regexp_extract(user, '(\\d+)', 1)",
    'list_max([x + 1 for x in [page, click]])',
    'page + 1 -- the page, counted from 1',
    "user || ' (;) -- /* '",
    "DATE '2024-01-01' + INTERVAL (page) DAY",
    'row_number() OVER (PARTITION BY user ORDER BY time DESC)',
  ])('what computes a value stays allowed: %s', async (sql) => {
    const folder = world();
    const { manifest } = await prepare({
      config: dataset(PLACES.field(sql)),
      sourceFolder: folder,
      out: join(folder, 'out'),
    });
    expect(manifest.splits.train.rows).toBe(32);
  });

  test.each(Object.entries(MEMORY_BOMBS))('what asks for too much memory ends with a code: %s', async (_, sql) => {
    const folder = world();
    const config = dataset(PLACES.field(`${sql}::VARCHAR`));
    const refused = await failure(
      prepare({ config, sourceFolder: folder, out: join(folder, 'out'), memoryLimit: '200MB' }),
    );
    expect(['DATA_MEMORY', 'DATA_EXPRESSION_INVALID', 'DATA_FAILED']).toContain(refused.code);
    expect(readdirSync(folder).sort()).toEqual(['log.csv', 'secret.csv']);
  });
});

describe('a database opens what was named and nothing else, whatever statement runs', () => {
  test('files are neither read nor written, settings stay', async () => {
    const folder = temporaryFolder({ 'log.csv': LOG_CSV, 'b[1].csv': LOG_CSV, 'secret.csv': 'k\n1\n' });
    const { connection, close } = await openDuckDB({ access: { files: [join(folder, 'log.csv')] } });
    const run = (sql: string) => execute(connection, sql, 'trying');
    await run(`SELECT * FROM read_csv('${folder}/log.csv')`);
    const refused = [
      `SELECT * FROM read_csv('${folder}/secret.csv')`,
      `SELECT * FROM read_text('/etc/passwd')`,
      `SELECT * FROM glob('${folder}/*')`,
      `COPY (SELECT 1) TO '${folder}/evil.csv'`,
      `COPY (SELECT 1) TO '${folder}/log.csv'`,
      `ATTACH '${folder}/evil.duckdb'`,
      `EXPORT DATABASE '${folder}/evil'`,
      'INSTALL httpfs',
      'LOAD httpfs',
      'SET enable_external_access = true',
      'SET lock_configuration = false',
      `SET allowed_directories = ['/']`,
      "SET memory_limit = '900GB'",
      `PRAGMA profile_output = '${folder}/evil.json'`,
    ];
    for (const sql of refused) expect((await failure(run(sql))).code, sql).toBe('DATA_ACCESS_REFUSED');
    close();
    expect(readdirSync(folder).sort()).toEqual(['b[1].csv', 'log.csv', 'secret.csv']);
  });

  test('a file whose name looks like a pattern is that file', async () => {
    const other = LOG_CSV.replaceAll('u', 'w').replace('wser', 'user');
    const folder = temporaryFolder({ 'b[1].csv': LOG_CSV, 'b1.csv': other, 'b?.csv': other });
    const config = dataset({ ...PLACES.field('user'), sources: { log: { path: 'b[1].csv', fileColumn: 'file' } } });
    const [log] = (await inspectSources(config, folder)).sources;
    expect(log).toMatchObject({ rows: 40, files: [join(folder, 'b[1].csv')] });
    const { folder: out } = await prepare({ config, sourceFolder: folder, out: join(folder, 'out [x]') });
    const { openPrepared } = await import('../../../src/data/prepared/open.ts');
    expect((await (await openPrepared(out)).tokens('user')).slice(2).sort()[0]).toBe('u0');
  });
});
