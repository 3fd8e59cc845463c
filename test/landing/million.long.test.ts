/** A million rows with all types of PostgreSQL land, prepare and equal the same rows by Parquet, bit for bit. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { execute, openDuckDB } from '../../src/data/sql/duckdb.ts';
import { filePath } from '../../src/data/sql/text.ts';
import { landSources } from '../../src/landing/land.ts';
import { dataset, EVERYWHERE, temporaryFolder } from '../data/support.ts';
import { postgresServer, type TestServer } from '../events/servers.ts';
import { duckdbRows, postgresRows, shopOf } from './support.ts';

const VARIABLE = 'TEST_MILLION_URL';
const ROWS = 1_000_000;
let server: TestServer | undefined;
beforeAll(async () => {
  server = await postgresServer();
  if (server !== undefined) process.env[VARIABLE] = server.url(server.port);
});
afterAll(async () => {
  delete process.env[VARIABLE];
  await server?.remove();
});

test('a million rows', async ({ skip }) => {
  if (server === undefined) return skip('PostgreSQL is not installed');
  const folder = temporaryFolder();
  const config = dataset(shopOf({ postgres: { url: `env:${VARIABLE}`, query: postgresRows(ROWS) } }));
  const started = performance.now();
  await landSources({
    config,
    sourceFolder: folder,
    onLanded: ({ landing }) => {
      expect(landing.rows).toBe(ROWS);
      const seconds = (performance.now() - started) / 1000;
      const rate = (ROWS / seconds).toFixed(0);
      console.log(`landed ${ROWS} rows in ${seconds.toFixed(1)} s: ${rate} rows/s, ${landing.bytes} bytes`);
    },
  });
  const { connection, close } = await openDuckDB(EVERYWHERE);
  const file = filePath(join(folder, 'log.parquet'));
  await execute(connection, `COPY (${duckdbRows(ROWS)}) TO ${file} (FORMAT parquet)`, 'a test');
  close();
  const hash = async (input: typeof config, out: string): Promise<string> =>
    (await prepare({ config: input, sourceFolder: folder, out: join(folder, out) })).manifest.hash;
  expect(await hash(config, 'landed-rows')).toBe(await hash(dataset(shopOf({ path: 'log.parquet' })), 'parquet-rows'));
});
