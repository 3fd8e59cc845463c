/**
 * Rows of ClickHouse. No server of it can be installed from Debian or npm, so these tests speak its HTTP interface themselves, as
 * its documentation describes it: what the client sends is checked, and answers are what a server gives.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openDuckDB, query } from '../../src/data/sql/duckdb.ts';
import { filePath } from '../../src/data/sql/text.ts';
import { landSources } from '../../src/landing/land.ts';
import { dataset, EVERYWHERE, failure, temporaryFolder } from '../data/support.ts';
import { shopOf } from './support.ts';

const VARIABLE = 'TEST_CLICKHOUSE_URL';
const PASSWORD = 'p@ss:w0rd';
let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
  delete process.env[VARIABLE];
});

interface Asked {
  sql: string;
  settings: URLSearchParams;
  user: string;
}

/** Answers each statement as `answer` does. */
async function serve(answer: (sql: string, response: ServerResponse) => void): Promise<Asked[]> {
  const asked: Asked[] = [];
  server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const sql = Buffer.concat(parts).toString();
    const settings = new URL(request.url ?? '', 'http://a').searchParams;
    const user = Buffer.from(String(request.headers.authorization).replace('Basic ', ''), 'base64').toString();
    asked.push({ sql, settings, user });
    answer(sql, response);
  });
  await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  process.env[VARIABLE] = `http://reader:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/shop`;
  return asked;
}

const describe = (names: string[]): string =>
  names.map((name) => `${JSON.stringify({ name, type: 'String' })}\n`).join('');

async function parquet(folder: string, sql: string): Promise<Buffer> {
  const { connection, close } = await openDuckDB(EVERYWHERE);
  const file = join(folder, 'rows.parquet');
  await query(connection, `COPY (${sql}) TO ${filePath(file)} (FORMAT parquet)`, 'a test');
  close();
  return readFileSync(file);
}

const shop = shopOf({ clickhouse: { url: `env:${VARIABLE}`, query: 'SELECT * FROM log;' } }, [
  { name: 'odd', kind: 'categorical', expression: '"odd `name"' },
]);

test('the server writes the file, with the columns that are needed', async () => {
  const folder = temporaryFolder();
  const rows = await parquet(folder, "SELECT 'a' AS \"odd `name\", 'home' AS place, 1 AS click FROM range(7)");
  const asked = await serve((sql, response) =>
    sql.includes('DESCRIBE') ? response.end(describe(['odd `name', 'place', 'click', 'unused'])) : response.end(rows),
  );
  await landSources({
    config: dataset(shop),
    sourceFolder: folder,
    onLanded: ({ landing }) => expect(landing).toMatchObject({ rows: 7, leftOut: ['unused'] }),
  });
  expect(readFileSync(join(folder, 'landed/log/part-00000.parquet'))).toEqual(rows);
  expect(asked.map(({ sql }) => sql)).toEqual([
    expect.stringContaining('DESCRIBE TABLE (SELECT * FROM log\n)'),
    'SELECT `odd \\`name`, `place`, `click` FROM (SELECT * FROM log\n) FORMAT Parquet',
  ]);
  for (const { user, settings } of asked) {
    expect(user).toBe(`reader:${PASSWORD}`);
    expect(settings.get('database')).toBe('shop');
    expect(settings.get('readonly')).toBe('2');
  }
});

test('a refused query and a file without its end leave nothing, and no message has the password', async () => {
  const folder = temporaryFolder();
  const land = () => failure(landSources({ config: dataset(shop), sourceFolder: folder }));
  await serve((_, response) => {
    response.statusCode = 404;
    response.setHeader('x-clickhouse-exception-code', '60');
    response.end(`Code: 60. DB::Exception: Unknown table expression identifier 'log' of ${PASSWORD}. (UNKNOWN_TABLE)`);
  });
  const refused = await land();
  expect(`${refused.code}: ${refused.message}`).toMatch(/^LANDING_SERVER: ClickHouse .*Unknown table/);
  expect(`${refused.message} ${refused.cause ?? ''}`).not.toContain(PASSWORD);
  server?.close();
  const rows = await parquet(folder, "SELECT 'a' AS \"odd `name\", 'home' AS place, 1 AS click FROM range(7)");
  await serve((sql, response) =>
    sql.includes('DESCRIBE') ? response.end(describe(['odd `name'])) : response.end(rows.subarray(0, rows.length - 9)),
  );
  expect((await land()).code).toMatch(/^(LANDING_SERVER|DATA_FILE_DAMAGED)$/);
  expect(readdirSync(join(folder, 'landed'))).toEqual([]);
});
