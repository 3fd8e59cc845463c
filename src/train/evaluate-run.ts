/** Measures a run's model: on its own data, or on any other labelled rows with the same fields. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkAlike } from '../comm/alike.ts';
import type { Collective } from '../comm/contract.ts';
import { coresOf } from '../comm/launched.ts';
import { localCollective } from '../comm/local.ts';
import type { SplitName } from '../config/dataset.ts';
import type { Evaluation } from '../config/run.ts';
import { encodeFile } from '../data/predict/encode-file.ts';
import { openPrepared } from '../data/prepared/open.ts';
import type { PreparedData, SplitReader } from '../data/prepared/prepared.ts';
import { translateData } from '../data/prepared/translate.ts';
import type { ChoiceCounts } from '../documents/parts.ts';
import type { MeasuredData } from '../documents/result.ts';
import type { Grid } from '../evaluate/grid.ts';
import { noChoices } from '../inference/choices.ts';
import { openModel } from '../inference/model/finished.ts';
import { describeData, openRunData } from '../inference/model/run-data.ts';
import type { RunSource } from '../inference/model/trained.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import { markOf, openRun, type RunRecord } from '../store/run/run-folder.ts';
import { evaluateSplit, evaluationOf, newGrid } from './evaluate-split.ts';
import { limitsOfRank } from './ranks/tables.ts';

export interface EvaluatedRun {
  grid: Grid;
  /** What rows chose, if the model chooses. */
  choices: ChoiceCounts | undefined;
  /** What was measured. */
  data: MeasuredData;
  seconds: number;
}

export interface EvaluateOptions extends Omit<RunSource, 'data'>, Pick<SessionOptions, 'backend'> {
  /**
   * Folder of a prepared data set: the run's data set if it was moved, or any other one with the same fields. Its tokens are then
   * looked up in the vocabularies of the run.
   */
  data?: string;
  /** Folder of the run's data set, if `data` is another one and the run's was moved. */
  trainedOn?: string;
  /**
   * Files with labels instead of a split, read like `predict`: the columns of fields, scenario, tasks and group; for data with
   * sequences also `sequence_<type>`. `data` is then the run's data set.
   */
  input?: string[];
  /** Memory limit of DuckDB for `input`. Default 1GB. */
  memoryLimit?: string;
  /** Overrides the run's configuration. */
  evaluation?: Partial<Evaluation>;
  /** Ranks that score the rows together: each reads the run and the rows, and gets all metrics. Default: this one alone. */
  ranks?: Collective;
}

/**
 * Measures the model of a run on a split, or on files.
 *
 * @throws MODEL_MISFIT if the fields of other data differ; RANKS_DIFFER; errors of openRunData and openModel
 */
export async function evaluateRun(
  run: string,
  split: SplitName,
  {
    backend,
    evaluation,
    data: place,
    trainedOn,
    input,
    memoryLimit,
    ranks = localCollective(),
    ...source
  }: EvaluateOptions = {},
): Promise<EvaluatedRun> {
  const started = performance.now();
  const record = openRun(run);
  const { own, rows } =
    input === undefined
      ? await findRows(run, record, place, trainedOn)
      : await fileRows(await openRunData(run, record, place ?? trainedOn), input, memoryLimit);
  const [threads, limits] = [coresOf(ranks), limitsOfRank(ranks)];
  const data = describeData(own.manifest);
  const model = await openModel(run, { backend, threads, limits, data, source, choices: true });
  const reader = await rows.open(split);
  try {
    await checkAlike(ranks, { run: markOf(record), 'number of rows': `${reader.rows}` });
    const choices = noChoices(own.manifest.scenarios.length);
    const { scenarios, tasks } = own.manifest;
    const shape = { scenarios, tasks, hasGroup: rows.hasGroup };
    const grid = await evaluateSplit(
      model.executor,
      reader,
      newGrid(shape, { ...evaluationOf(record), ...evaluation }),
      { choices, ranks },
    );
    return {
      grid,
      choices: Object.keys(choices.chosen).length > 0 ? choices : undefined,
      data: { ...rows.told, rows: reader.rows },
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await reader.close();
    await model.close();
  }
}

/** Labelled rows in the encoding of a run's data. */
interface MeasuredRows {
  told: Omit<MeasuredData, 'rows'>;
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
    const own = await openRunData(run, record, place ?? trainedOn);
    const { name, hasGroup } = own.manifest;
    return { own, rows: { told: { name, isOwn: true }, hasGroup, open: own.open } };
  }
  const own = await openRunData(run, record, trainedOn, '--trained-on');
  const { hasGroup, open } = await translateData(given, own, run);
  return { own, rows: { told: { name: given.manifest.name, isOwn: false }, hasGroup, open } };
}

/** Files, encoded into a temporary folder that is removed after measuring. */
async function fileRows(
  own: PreparedData,
  input: string[],
  memoryLimit: string | undefined,
): Promise<{ own: PreparedData; rows: MeasuredRows }> {
  const work = mkdtempSync(join(tmpdir(), 'tributary-evaluate-'));
  const remove = (): void => rmSync(work, { recursive: true, force: true });
  const options = { data: own, input, labelled: true, memoryLimit, work: join(work, 'rows') };
  const {
    reader,
    input: source,
    ignored,
    close,
  } = await encodeFile(options).catch((cause) => {
    remove();
    throw cause;
  });
  const told = { name: input.join(', '), isOwn: false, leftOut: source.rows - reader.rows, ignored };
  const closing = (): Promise<void> => close().finally(remove);
  return { own, rows: { told, hasGroup: own.manifest.hasGroup, open: async () => ({ ...reader, close: closing }) } };
}
