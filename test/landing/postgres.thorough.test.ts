/** Rows of PostgreSQL: what lands is what the server has, and what lands half is as if nothing had been asked. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetInput } from '../../src/config/dataset.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { openDuckDB, query } from '../../src/data/sql/duckdb.ts';
import { filePath } from '../../src/data/sql/text.ts';
import { connectPostgres } from '../../src/events/postgres/connect.ts';
import { type LandedEvent, landSources } from '../../src/landing/land.ts';
import { dataset, EVERYWHERE, failure, temporaryFolder } from '../data/support.ts';
import { networkTo, PASSWORD, postgresServer, type TestServer } from '../events/servers.ts';
import { duckdbRows, NAMES, postgresRows, shopOf } from './support.ts';

const VARIABLE = 'TEST_LANDING_URL';
let server: TestServer | undefined;

beforeAll(async () => {
  server = await postgresServer();
  if (server !== undefined) process.env[VARIABLE] = server.url(server.port);
});
afterAll(async () => {
  delete process.env[VARIABLE];
  await server?.remove();
});

const url = `env:${VARIABLE}`;

async function land(folder: string, input: DatasetInput, options: { landed?: boolean } = {}): Promise<LandedEvent[]> {
  const events: LandedEvent[] = [];
  await landSources({
    config: dataset(input),
    sourceFolder: folder,
    onLanded: (event) => events.push(event),
    ...options,
  });
  return events;
}

async function asDuckDB<T>(run: (ask: (sql: string) => Promise<Record<string, unknown>[]>) => Promise<T>): Promise<T> {
  const { connection, close } = await openDuckDB(EVERYWHERE);
  try {
    return await run((sql) => query(connection, sql, 'a test'));
  } finally {
    close();
  }
}

const ROWS = 2500;

test('rows of PostgreSQL are those of a Parquet file: values, types, order, prepared bits', async ({ skip }) => {
  if (server === undefined) return skip('PostgreSQL is not installed');
  const folder = temporaryFolder();
  const input = shopOf({ postgres: { url, query: `${postgresRows(ROWS)} ; ` } });
  const [event] = await land(folder, input);
  expect(event).toMatchObject({ source: 'log', fresh: true, landing: { rows: ROWS, leftOut: [] } });
  await asDuckDB(async (ask) => {
    const file = filePath(join(folder, 'log.parquet'));
    await ask(`COPY (${duckdbRows(ROWS)}) TO ${file} (FORMAT parquet)`);
    const landed = `read_parquet(${filePath(join(folder, 'landed/log/part-00000.parquet'))})`;
    const types = (from: string) => ask(`DESCRIBE SELECT * FROM ${from}`);
    expect(await types(landed)).toEqual(await types(`read_parquet(${file})`));
    for (const name of NAMES) {
      const different = await ask(
        `SELECT a.n, a.v, b.v AS w FROM (SELECT row_number() OVER () AS n, "${name}" AS v FROM ${landed}) a
         JOIN (SELECT row_number() OVER () AS n, "${name}" AS v FROM read_parquet(${file})) b USING (n)
         WHERE a.v IS DISTINCT FROM b.v LIMIT 3`,
      );
      expect(different, name).toEqual([]);
    }
  });
  const from = async (config: DatasetInput, out: string) =>
    (await prepare({ config: dataset(config), sourceFolder: folder, out: join(folder, out) })).manifest;
  const [landed, files] = [await from(input, 'a'), await from(shopOf({ path: 'log.parquet' }), 'b')];
  expect(landed.hash).toBe(files.hash);
  expect(JSON.stringify(landed)).not.toContain(PASSWORD);
  expect(readFileSync(join(folder, 'landed/log/.landed.json'), 'utf8')).not.toContain('shop:');
});

test('only needed columns are asked for, and a table is a query', async ({ skip }) => {
  if (server === undefined) return skip('PostgreSQL is not installed');
  const folder = temporaryFolder();
  const { client, close } = await connectPostgres({ url: server.url(server.port), hide: (text) => text });
  await client.query(`CREATE TABLE log AS ${postgresRows(100)}`);
  const source = { postgres: { url, table: 'log', where: 'small = 3' } };
  const [{ landing }] = await land(folder, shopOf(source, [{ name: 'whole', kind: 'categorical' }]));
  expect(landing.rows).toBe(14);
  expect(landing.leftOut).toEqual(NAMES.filter((name) => !['whole', 'place', 'click'].includes(name)));
  // What stayed there is needed now.
  const wider = shopOf(source, [{ name: 'small', kind: 'categorical' }]);
  expect(await failure(land(folder, wider, { landed: true }))).toMatchObject({ code: 'LANDING_MISSING' });
  expect((await land(folder, wider))[0].fresh).toBe(true);
  await client.query('DROP TABLE log');
  await close();
});

test('what landed is used again where that is asked for, or where its state has a name', async ({ skip }) => {
  if (server === undefined) return skip('PostgreSQL is not installed');
  const folder = temporaryFolder();
  const at = (snapshot?: string) => shopOf({ postgres: { url, query: postgresRows(10), snapshot } });
  expect(await failure(land(folder, at(), { landed: true }))).toMatchObject({ code: 'LANDING_MISSING' });
  const fresh = async (...words: Parameters<typeof land>) => (await land(...words))[0].fresh;
  expect(await fresh(folder, at('monday'))).toBe(true);
  expect(await fresh(folder, at('monday'))).toBe(false);
  expect(await fresh(folder, at('tuesday'))).toBe(true);
  expect(await fresh(folder, at())).toBe(true);
  expect(await fresh(folder, at(), { landed: true })).toBe(false);
  const other = shopOf({ postgres: { url, query: postgresRows(11) } });
  expect(await failure(land(folder, other, { landed: true }))).toMatchObject({ code: 'LANDING_MISSING' });
});

test('sources of one server are of one moment', async ({ skip }) => {
  if (server === undefined) return skip('PostgreSQL is not installed');
  const folder = temporaryFolder();
  const { client, close } = await connectPostgres({ url: server.url(server.port), hide: (text) => text });
  await client.query('CREATE TABLE a (id int); CREATE TABLE b (id int)');
  const input: DatasetInput = {
    ...shopOf({ path: 'x' }),
    from: 'a',
    sources: {
      // Writes to b happen while a is read.
      a: { postgres: { url, query: 'SELECT id, pg_sleep(0.5)::text AS place, 1 AS click FROM (SELECT 1 AS id) one' } },
      b: { postgres: { url, table: 'b' } },
    },
    joins: [{ source: 'b', on: { id: 'id' } }],
    fields: [{ name: 'id', kind: 'categorical' }],
  };
  const landing = land(folder, input);
  await new Promise((done) => setTimeout(done, 250));
  await client.query('INSERT INTO b VALUES (1)');
  expect((await landing).map(({ landing: { rows } }) => rows)).toEqual([1, 0]);
  await client.query('DROP TABLE a; DROP TABLE b');
  await close();
});

test('a cut connection, a failing query and a stopped server leave what was there, and no password', async ({
  skip,
}) => {
  if (server === undefined) return skip('PostgreSQL is not installed');
  const folder = temporaryFolder();
  await land(folder, shopOf({ postgres: { url, query: postgresRows(10) } }));
  const before = readdirSync(join(folder, 'landed/log'));
  const refused = async (source: DatasetInput['sources'][string]) => {
    const caught = await failure(land(folder, shopOf(source)));
    expect(`${caught.message} ${caught.stack} ${caught.cause ?? ''}`).not.toContain(PASSWORD);
    expect(readdirSync(join(folder, 'landed'))).toEqual(['log']);
    expect(readdirSync(join(folder, 'landed/log'))).toEqual(before);
    return `${caught.code}: ${caught.message}`;
  };
  const network = await networkTo(server.port);
  process.env.TEST_LANDING_PROXY = server.url(network.port);
  const cut = refused({ postgres: { url: 'env:TEST_LANDING_PROXY', query: postgresRows(5_000_000) } });
  await new Promise((done) => setTimeout(done, 700));
  network.cut();
  expect(await cut).toMatch(/^LANDING_SERVER: PostgreSQL .*"log"/);
  network.close();
  delete process.env.TEST_LANDING_PROXY;
  const query = (sql: string) => refused({ postgres: { url, query: sql } });
  expect(await query('SELECT * FROM nothing')).toMatch(/^LANDING_SERVER: .*relation "nothing" does not exist/);
  expect(await query('SELECT 1 AS id, 2 AS "ID"')).toMatch(/^LANDING_COLUMNS: .*"ID" twice/);
  expect(await query('SELECT 1 AS id) AS t; DROP TABLE x; --')).toMatch(/^LANDING_SERVER/);
  expect(await query("SELECT nextval('counter') AS id")).toMatch(/^LANDING_SERVER/);
  expect(await refused({ postgres: { url: 'env:TEST_LANDING_UNSET', query: 'SELECT 1' } })).toMatch(
    /^EVENTS_SECRET: sources.log.postgres.url/,
  );
  const occupied = temporaryFolder({ 'landed/log/mine.csv': 'a' });
  const input = shopOf({ postgres: { url, query: postgresRows(10) } });
  expect(await failure(land(occupied, input))).toMatchObject({ code: 'LANDING_OCCUPIED' });
  expect(existsSync(join(occupied, 'landed/log/mine.csv'))).toBe(true);
  await server.stop();
  expect(await query('SELECT 1 AS id')).toMatch(/^LANDING_SERVER: .*ECONNREFUSED/);
  await server.start();
});
