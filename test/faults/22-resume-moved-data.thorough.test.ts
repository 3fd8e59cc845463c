/** Fault 22: an interrupted run goes on when the folder of its data was moved. */
import { cpSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { evaluateRun } from '../../src/train/evaluate-run.ts';
import { runTraining } from '../../src/train/run/run.ts';
import { makeRun, temporaryFolder } from '../train/support.ts';

const { path: folder, remove } = temporaryFolder();
const at = (name: string): string => join(folder, name);
afterAll(remove);

test('resume --data takes the moved folder, and without it the message names --data', async () => {
  cpSync('test/faults/files/22-resume-moved-data', folder, { recursive: true });
  const config = await loadDatasetConfig(at('t.yaml'), []);
  await prepare({ config, sourceFolder: folder, out: at('data') });
  const run = await makeRun(at('run'), at('data'), {
    model: { key: 'mmoe' },
    train: { batchSize: 16, maxEpochs: 6, patience: 6 },
  });
  const request = { folder: run, emit: () => {} };
  let steps = 0;
  expect(await runTraining({ ...request, shouldStop: () => ++steps === 30 })).toMatchObject({ event: 'interrupted' });
  renameSync(at('data'), at('data2'));

  const shouldStop = (): boolean => false;
  const without = runTraining({ ...request, shouldStop });
  await expect(without).rejects.toMatchObject({ code: 'RUN_DATA_MISSING', exitCode: 2 });
  await expect(without).rejects.toThrow('--data');
  expect(await runTraining({ ...request, shouldStop, data: at('data2') })).toMatchObject({ event: 'result' });
  expect((await evaluateRun(run, 'test', { data: at('data2') })).grid.cells).toHaveLength(2);
});
