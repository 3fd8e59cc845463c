/** A fault's data prepared, trained on and exported. */
import { join } from 'node:path';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { exportRun } from '../../src/export/export.ts';
import { makeRun, trainWithStops } from '../train/support.ts';
import { faultFolder } from './folder.ts';

/** Gives the folder of the artifact. `train`: options of the run. */
export async function exportFault(name: string, folder: string, train: object): Promise<string> {
  const fault = faultFolder(name);
  const [data, run, out] = ['data', 'run', 'artifact'].map((part) => join(folder, part));
  await prepare({ config: await loadDatasetConfig(join(fault, 't.yaml')), sourceFolder: fault, out: data });
  await makeRun(run, data, { model: { key: 'mmoe', embeddingDim: 4 }, train: { batchSize: 64, ...train } });
  await trainWithStops(run);
  await exportRun(run, { out, calibrate: 'none', threads: 1 });
  return out;
}
