/** Scores a raw file with a finished run's model. */
import { type Prediction, type PredictOptions, predictInto } from '../data/predict.ts';
import { sigmoid } from '../evaluate/index.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import { openModel } from './finished.ts';
import { describeData, openRunData } from './run-data.ts';

export interface PredictRunOptions
  extends Pick<PredictOptions, 'input' | 'output' | 'memoryLimit' | 'onProgress'>,
    Pick<SessionOptions, 'backend'> {
  /** Folder of the prepared data set, where it is not the one that the run recorded. */
  data?: string;
}

/**
 * Writes the input's rows with a probability per task.
 *
 * @throws what openRunData, openModel and predictInto throw
 */
export async function predictRun(run: string, options: PredictRunOptions): Promise<Prediction> {
  const { data: folder, backend, ...files } = options;
  const data = await openRunData(run, folder);
  const model = await openModel(run, { backend, data: describeData(data.manifest) });
  try {
    const score: PredictOptions['score'] = async (batch) => (await model.score(batch)).map(sigmoid); // [B,T]
    return await predictInto({ ...files, data, score, batchSize: model.batchSize });
  } finally {
    await model.close();
  }
}
