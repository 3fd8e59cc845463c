/** What a model answers for the rows of the day that judges. */
import { openPrepared } from '../../data/prepared/open.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import { translateData } from '../../data/prepared/translate.ts';
import { openModel } from '../../inference/model/finished.ts';
import { describeData, openRunData } from '../../inference/model/run-data.ts';
import { openRun } from '../../store/run/run-folder.ts';
import { scoreRows } from '../../study/logits.ts';

export interface DayLogits {
  /** The model's own order of tasks. */
  tasks: readonly string[];
  /** [rows, T], in stored order of the test rows. */
  logits: Float32Array;
}

/**
 * Logits of the test rows of `folder` by the model of a run, which may have been trained on other data with the same fields.
 *
 * @throws MODEL_MISFIT where the rows do not fit the model; errors of openRunData and openModel
 */
export async function dayLogits(run: string, folder: string): Promise<DayLogits> {
  const [own, data] = [await openRunData(run, openRun(run)), await openPrepared(folder)];
  const rows = await rowsFor(own, data, run);
  const { tasks } = own.manifest;
  const model = await openModel(run, { data: describeData(own.manifest) });
  const reader = await rows.open('test');
  try {
    return { tasks, logits: await scoreRows(model, reader, tasks.length) };
  } finally {
    await reader.close();
    await model.close();
  }
}

const rowsFor = (
  own: PreparedData,
  data: PreparedData,
  run: string,
): Promise<Pick<PreparedData, 'open'>> | PreparedData =>
  own.manifest.hash === data.manifest.hash ? data : translateData(data, own, run);
