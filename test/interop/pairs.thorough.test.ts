/** A run whose model reads products of fields has no published layout. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exportWeights } from '../../src/interop/exchange.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../train/support.ts';

test('weights of a model with pairs are not written in the names of another implementation', async () => {
  const folder = temporaryFolder();
  try {
    const data = await prepareSmall(folder.path);
    const model = { key: 'shared-bottom', embeddingDim: 4, bottomDims: [8], towerDims: [4], pairs: true };
    const run = await makeRun(join(folder.path, 'run'), data, { model, train: { maxEpochs: 1 } });
    await trainWithStops(run);
    await expect(exportWeights(run, join(folder.path, 'out.safetensors'))).rejects.toMatchObject({
      code: 'IMPORT_UNSUPPORTED',
      message: expect.stringContaining('the model "shared-bottom" with model.pairs=true has no published layout'),
    });
  } finally {
    folder.remove();
  }
});
