/** Measures a run's model: on its own data, or on any other labelled rows with the same fields. */
import { checkDataset, openRun, type RunRecord } from '../artifact/run-folder.ts';
import type { SplitName } from '../config/dataset.ts';
import type { Evaluation } from '../config/run.ts';
import { openPrepared } from '../data/open.ts';
import type { PreparedData, SplitReader } from '../data/prepared.ts';
import { translateData } from '../data/translate.ts';
import type { Grid } from '../evaluate/grid.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import { type ChoiceCounts, noChoices } from './choices.ts';
import { openModel } from './finished.ts';
import { describeData, evaluationOf, newGrid, openRecorded, openRunData } from './run-data.ts';
import type { RunSource } from './run-model.ts';
import { evaluateSplit } from './scorer.ts';

export interface EvaluatedRun {
  grid: Grid;
  /** What rows chose, where the model chooses. */
  choices: ChoiceCounts | undefined;
  /** The data set that was measured. */
  data: { name: string; folder: string; rows: number; isOwn: boolean };
  seconds: number;
}

export interface EvaluateOptions extends Omit<RunSource, 'data'>, Pick<SessionOptions, 'backend'> {
  /**
   * Folder of a prepared data set: the run's own, where it is not where the run recorded it, or any other one with the same fields,
   * whose tokens are then looked up in the run's vocabularies.
   */
  data?: string;
  /** Folder of the run's own data set, where `data` is another one and the run's is not where it was. */
  trainedOn?: string;
  /** In place of what the run's configuration says. */
  evaluation?: Partial<Evaluation>;
}

/**
 * Measures the model of a run on a split.
 *
 * @throws MODEL_MISFIT where the fields of other data differ; what openRunData and openModel throw
 */
export async function evaluateRun(
  run: string,
  split: SplitName,
  { backend, evaluation, data: place, trainedOn, ...source }: EvaluateOptions = {},
): Promise<EvaluatedRun> {
  const started = performance.now();
  const record = openRun(run);
  const { own, rows } = await findRows(run, record, place, trainedOn);
  const model = await openModel(run, { backend, data: describeData(own.manifest), source, choices: true });
  const reader = await rows.open(split);
  try {
    const choices = noChoices(own.manifest.scenarios.length);
    const { scenarios, tasks } = own.manifest;
    const shape = { scenarios, tasks, hasGroup: rows.hasGroup };
    const grid = await evaluateSplit(
      model.context,
      reader,
      newGrid(shape, { ...evaluationOf(record), ...evaluation }),
      choices,
    );
    return {
      grid,
      choices: Object.keys(choices.chosen).length > 0 ? choices : undefined,
      data: { name: rows.name, folder: rows.folder, rows: reader.rows, isOwn: rows.isOwn },
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await reader.close();
    await model.close();
  }
}

/** Labelled rows in the encoding of a run's own data. */
interface MeasuredRows {
  name: string;
  folder: string;
  isOwn: boolean;
  hasGroup: boolean;
  open(split: SplitName): Promise<SplitReader>;
}

/** The rows to measure, and the data set that the model was trained on. */
async function findRows(
  run: string,
  record: RunRecord,
  place: string | undefined,
  trainedOn: string | undefined,
): Promise<{ own: PreparedData; rows: MeasuredRows }> {
  const given = place === undefined ? undefined : await openPrepared(place);
  const isOther = given !== undefined && record.data.hash !== '' && given.manifest.hash !== record.data.hash;
  if (!isOther) {
    const own = await openRunData(run, place ?? trainedOn);
    const { name, hasGroup } = own.manifest;
    return { own, rows: { name, folder: own.folder, isOwn: true, hasGroup, open: own.open } };
  }
  const own = await openRecorded(run, record, trainedOn, '--trained-on');
  checkDataset(run, record, { folder: own.folder, hash: own.manifest.hash });
  const { hasGroup, open } = await translateData(given, own, run);
  return { own, rows: { name: given.manifest.name, folder: given.folder, isOwn: false, hasGroup, open } };
}
