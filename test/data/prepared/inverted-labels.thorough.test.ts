/** Prepared data whose labels somebody turned round, in files that are whole in themselves: nothing answers from them. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { recordLayout } from '../../../src/data/prepared/record.ts';
import { HEADER_BYTES } from '../../../src/data/prepared/write-records.ts';
import { execute, openDuckDB } from '../../../src/data/sql/duckdb.ts';
import { evaluateRun } from '../../../src/train/evaluate-run.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../../train/support.ts';

const { path: folder, remove } = temporaryFolder();
let data: string;
let run: string;
beforeAll(async () => {
  data = await prepareSmall(folder, 1500);
  run = await makeRun(join(folder, 'run'), data, { train: { searchEpochs: 1, maxEpochs: 1 } });
  await trainWithStops(run);
});
afterAll(remove);

let copies = 0;
function copy(): string {
  const to = join(folder, `copy${++copies}`);
  cpSync(data, to, { recursive: true });
  return to;
}

const refused = (path: string) => ({
  code: 'CHECKSUM_MISMATCH',
  exitCode: 4,
  message: expect.stringContaining(path),
});

/** A Parquet file with other labels, as whole as the one before. */
async function invertParquet(path: string): Promise<void> {
  const { connection, close } = await openDuckDB({ access: { folders: [folder] } });
  try {
    const rows = `SELECT * REPLACE (1 - label_click AS label_click) FROM read_parquet('${path}')`;
    await execute(connection, `CREATE TABLE inverted AS ${rows}`, 'inverting');
    await execute(connection, `COPY inverted TO '${path}' (FORMAT parquet)`, 'inverting');
  } finally {
    close();
  }
}

test('a Parquet file', async () => {
  const to = copy();
  await invertParquet(join(to, 'test.parquet'));
  // Rows that were verified against the file as it was still answer, and the same.
  expect((await evaluateRun(run, 'test', { data: to })).grid).toEqual((await evaluateRun(run, 'test')).grid);
  rmSync(join(to, 'rows'), { recursive: true });
  await expect(evaluateRun(run, 'test', { data: to })).rejects.toMatchObject(refused(join(to, 'test.parquet')));
  await invertParquet(join(to, 'train.parquet'));
  await expect((await openPrepared(to)).open('train')).rejects.toMatchObject(refused(join(to, 'train.parquet')));
});

test('a row file', async () => {
  const to = copy();
  const { manifest } = await openPrepared(to);
  const { words, labels } = recordLayout(manifest);
  const path = join(to, 'rows', 'test.bin');
  const bytes = readFileSync(path);
  for (let row = 0; row < manifest.splits.test.rows; row++) {
    const at = HEADER_BYTES + (row * words + labels) * 4;
    bytes.writeFloatLE(1 - bytes.readFloatLE(at), at);
  }
  writeFileSync(path, bytes);
  await expect(evaluateRun(run, 'test', { data: to })).rejects.toMatchObject(refused(path));
  // As the message advises.
  rmSync(path);
  expect((await evaluateRun(run, 'test', { data: to })).grid).toEqual((await evaluateRun(run, 'test')).grid);
});

test('row files of other data, or of another split, are made again', async () => {
  const [to, other] = [copy(), await prepareSmall(folder, 1500, 30, 'turned', 0)];
  await (await (await openPrepared(other)).open('test')).close();
  const { grid } = await evaluateRun(run, 'test');
  for (const from of [join(other, 'rows/test.bin'), join(to, 'rows/validation.bin')]) {
    cpSync(from, join(to, 'rows/test.bin'));
    expect((await evaluateRun(run, 'test', { data: to })).grid).toEqual(grid);
  }
});
