/** Runs and data that version 0.1 wrote score a file as 0.1 did. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { predictRun } from '../../src/inference/predict.ts';
import { readParquetRows, temporaryFolder } from '../data/support.ts';

test('predict gives the probabilities that 0.1 gave', async () => {
  const folder = temporaryFolder();
  cpSync(join(import.meta.dirname, '0.1'), folder, { recursive: true });
  const output = join(folder, 'now.parquet');
  await predictRun(join(folder, 'run'), {
    data: join(folder, 'prepared'),
    input: join(folder, 'rows.jsonl'),
    output,
    threads: 1,
  });
  const tasks = ['probability_click', 'probability_saved'];
  const of = async (path: string) => (await readParquetRows(path)).map((row) => tasks.map((task) => row[task]));
  expect(await of(output)).toEqual(await of(join(folder, 'scores.parquet')));
});
