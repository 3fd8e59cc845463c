/** Runs and data that version 0.1 wrote score a file as 0.1 did. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { predictRun } from '../../src/inference/predict.ts';
import { failure, readParquetRows, temporaryFolder } from '../data/support.ts';
import { prepareSmall } from '../train/support.ts';

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

test('an artifact takes its own data set alone, and no checkpoint', async () => {
  const folder = temporaryFolder();
  cpSync(join(import.meta.dirname, '0.1'), folder, { recursive: true });
  const artifact = join(folder, 'artifact');
  const files = { input: join(folder, 'rows.jsonl'), output: join(folder, 'now.csv'), threads: 1 };
  const refused = (options: object) => failure(predictRun(artifact, { ...files, ...options }));
  expect((await refused({})).code).toBe('ARTIFACT_DATA');
  expect((await refused({ checkpoint: 'best' })).code).toBe('ARTIFACT_CHECKPOINT');
  const data = await prepareSmall(folder, 100);
  const { code, message } = await refused({ data });
  expect(code).toBe('ARTIFACT_OTHER_DATASET');
  expect(message).toContain(artifact);
});
