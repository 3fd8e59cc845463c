/** What a program prints becomes a source. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type DatasetInput, datasetSchema } from '../../src/config/dataset.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { landSources } from '../../src/landing/land.ts';
import { dataset, failure, temporaryFolder } from '../data/support.ts';
import { shopOf } from './support.ts';

const lines = [
  'who,place,click',
  ...Array.from({ length: 60 }, (_, i) => `u${i % 7},${i % 2 ? 'home' : 'search'},${i % 3 ? 0 : 1}`),
];
const program = (code: string): [string, ...string[]] => [process.execPath, '-e', code];
const printing = program(`console.log(${JSON.stringify(lines.join('\n'))})`);
const FIELDS: DatasetInput['fields'] = [{ name: 'who', kind: 'categorical' }];
const shop = (command: [string, ...string[]], format: 'csv' | 'json' = 'csv') => shopOf({ command, format }, FIELDS);

test('the rows are those of a file with the same text', async () => {
  const folder = temporaryFolder({ 'log.csv': lines.join('\n') });
  await landSources({ config: dataset(shop(printing)), sourceFolder: folder });
  const hash = async (input: DatasetInput, out: string) =>
    (await prepare({ config: dataset(input), sourceFolder: folder, out: join(folder, out) })).manifest.hash;
  expect(await hash(shop(printing), 'a')).toBe(await hash(shopOf({ path: 'log.csv' }, FIELDS), 'b'));
});

test('a program that fails leaves what landed before', async () => {
  const folder = temporaryFolder();
  const land = (input: DatasetInput) => landSources({ config: dataset(input), sourceFolder: folder });
  await land(shop(printing));
  const refused = async (command: [string, ...string[]]): Promise<string> => {
    const { code, message } = await failure(land(shop(command)));
    expect(readdirSync(join(folder, 'landed/log')).sort()).toEqual(['.landed.json', 'rows.csv']);
    return `${code}: ${message}`;
  };
  expect(await refused(program("console.log('a,b'); console.error('no such table'); process.exit(3)"))).toMatch(
    /^LANDING_COMMAND: .*"log": it ended with code 3: no such table/,
  );
  expect(await refused(program(''))).toMatch(/it printed nothing/);
  expect(await refused(['no-such-program'])).toMatch(/it cannot be started/);
  expect(await refused(program("process.kill(process.pid, 'SIGKILL')"))).toMatch(/SIGKILL/);
});

test('a configuration says where rows come from, once', () => {
  const problems = (source: object): string[] =>
    datasetSchema
      .safeParse(shopOf(source as DatasetInput['sources'][string]))
      .error?.issues.map(({ message }) => message) ?? [];
  const postgres = { url: 'env:A', query: 'SELECT 1' };
  expect(problems({})).toEqual([expect.stringContaining('postgres, clickhouse or command')]);
  expect(problems({ postgres, clickhouse: postgres })).toEqual([expect.stringContaining('found also postgres')]);
  expect(problems({ postgres, path: ['a', 'b'] })).toEqual([expect.stringContaining('one folder')]);
  expect(problems({ postgres: { url: 'env:A' } })).toEqual([expect.stringContaining('expected a SELECT, or a table')]);
  expect(problems({ postgres: { ...postgres, table: 'a' } })).toEqual([expect.stringContaining('not both')]);
  expect(problems({ postgres: { ...postgres, where: 'a' } })).toEqual([expect.stringContaining('belongs to a table')]);
  expect(problems({ postgres: { url: 'postgres://a:b@c', query: 'SELECT 1' } })).toEqual([
    expect.stringContaining('env:NAME'),
  ]);
  expect(problems({ command: ['a'] })).toEqual([expect.stringContaining('parquet, csv or json')]);
  expect(datasetSchema.parse(shopOf({ postgres })).sources.log.path).toBe('landed/log');
});
