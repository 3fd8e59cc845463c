import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { init } from '../../src/data/init/init.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../src/data/prepared/open.ts';
import { failure, temporaryFolder } from '../data/support.ts';
import { faultFolder } from './folder.ts';

const FAULT = faultFolder('11-csv-dialects');

async function prepared(name: string, configuration = 't.yaml') {
  const folder = join(FAULT, name);
  const out = join(temporaryFolder(), 'data');
  const { manifest } = await prepare({
    config: await loadDatasetConfig(join(folder, configuration)),
    sourceFolder: folder,
    out,
  });
  const rows = Object.values(manifest.splits).reduce((sum, split) => sum + split.rows, 0);
  return { rows, data: await openPrepared(out) };
}

describe('what can be read', () => {
  test('quotes escaped by backslashes', async () => {
    const { rows, data } = await prepared('escape');
    expect(rows).toBe(400);
    const titles = (await data.tokens('title')).slice(2);
    expect(titles.filter((title) => title.startsWith('The "best", ever ')).length).toBeGreaterThan(5);
    expect(titles.filter((title) => title.includes('\\'))).toEqual([]);
  });

  test.each(['t.yaml', 'full.yaml'])('lines that end in two ways: %s', async (configuration) => {
    expect((await prepared('mixed-eol', configuration)).rows).toBe(400);
  });

  test('a byte order mark before a name in quotes', async () => {
    const { rows, data } = await prepared('bom-quoted');
    expect(rows).toBe(400);
    expect(data.manifest.columns.log[0].name).toBe('user');
  });
});

describe('what is named', () => {
  test('Windows-1252, by line and byte', async () => {
    const { code, message } = await failure(prepared('cp1252'));
    expect(code).toBe('DATA_ENCODING');
    expect(message).toMatch(/log\.csv, line 2 \(byte 72\): 0x80 \("€" in Windows-1252\)/);
  });

  test('one bad byte among good characters', async () => {
    const { code, details } = await failure(prepared('onebadbyte'));
    expect(code).toBe('DATA_ENCODING');
    expect(details).toMatchObject({ line: 402, expected: 'UTF-8' });
  });

  test('a ZIP archive', async () => {
    const { code, message } = await failure(init([join(FAULT, 'zip/log.csv.zip')]));
    expect(code).toBe('DATA_FILE_KIND');
    expect(message).toMatch(/is a ZIP archive/);
  });
});

test('a list of objects is read', async () => {
  const { config } = await init([join(FAULT, 'json-array/log.json')]);
  expect(config.tasks.map(({ name }) => name)).toContain('click');
});
