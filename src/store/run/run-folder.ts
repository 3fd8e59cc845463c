/**
 * A run folder: all files of a training run.
 *
 *   run.json            configuration with defaults filled in, data set, versions (written once)
 *   choosing.json       while the model is chosen, and there is no run.json yet: see study/choose/folder.ts
 *   choice.json         what was chosen of which candidates, if no model was named (written once)
 *   yardsticks.safetensors  from a choice to the end of the training: what yardsticks answer to the test rows
 *   flows.json          the verdict of the flow test that gives the model's structure, if there is one (written once)
 *   metrics.jsonl       losses and grids; depends only on configuration, data and seed: no times
 *   timings.jsonl       wall times and rates
 *   checkpoints/        see checkpoint.ts
 *   model.safetensors, model.json   the finished model, see model-file.ts
 *   result.json         what the run found, if it is finished: see RunDocument
 *   importance.json     what `importance` measured last of the finished model
 *   finished.json       lists the files of a finished run, see finished-run.ts
 *   report.md           a report for people
 *   lock.<n>            exists while a process uses the folder, see lock.ts
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { asWriteError, isLeftover, writeFileAtomic } from '../../base/files.ts';
import { readSealed, seal } from '../../base/seal.ts';
import { type ChoiceDocument, choiceSchema } from '../../documents/choice.ts';
import { type ImportanceDocument, importanceSchema } from '../../documents/diagnose/importance.ts';
import { type FlowDocument, flowDocumentSchema } from '../../documents/flows.ts';
import { parseLines } from '../../documents/read.ts';
import { type RunDocument, runSchema } from '../../documents/result.ts';
import { type MetricsLine, metricsLine, type TimingsLine, timingsLine } from '../../documents/run-log.ts';
import { type JsonLines, openJsonLines, readJsonLines } from '../json-lines.ts';
import { checkFinished, forgetFinished, IMPORTANCE, isRecordedFinished } from './finished-run.ts';

const recordSchema = z.strictObject({
  version: z.literal(1),
  /** Name of the folder at creation: `<model>-<data set>-<counter>` unless the user chose one. */
  id: z.string(),
  created: z.iso.datetime(),
  /** Key of the model; its options are in `config.model`. */
  model: z.string(),
  /** The run's configuration with defaults filled in. */
  config: z.record(z.string(), z.unknown()),
  data: z.strictObject({
    name: z.string(),
    /** Absolute path of the prepared data set. */
    folder: z.string(),
    /** The data set's hash: a run continues only with the same rows. */
    hash: z.string(),
  }),
  /** Versions of Tributary, Node and ONNX Runtime. */
  versions: z.record(z.string(), z.string()),
});

export type RunRecord = z.output<typeof recordSchema>;

/** Paths of the files in a run folder. */
export const runPaths = (folder: string) => ({
  record: join(folder, 'run.json'),
  choosing: join(folder, 'choosing.json'),
  choice: join(folder, 'choice.json'),
  flows: join(folder, 'flows.json'),
  yardsticks: join(folder, 'yardsticks.safetensors'),
  metrics: join(folder, 'metrics.jsonl'),
  timings: join(folder, 'timings.jsonl'),
  checkpoints: join(folder, 'checkpoints'),
  result: join(folder, 'result.json'),
  importance: join(folder, IMPORTANCE),
  report: join(folder, 'report.md'),
});

/**
 * Makes a run folder: `folder` if given (absent or empty), else the next free `<parent>/<model>-<data set>-<counter>`.
 *
 * @throws RUN_EXISTS, FILE_UNWRITABLE, DISK_FULL
 */
export function createRun(
  content: Omit<RunRecord, 'version' | 'id' | 'created'>,
  place: { folder: string; id?: string } | { parent: string },
  flows?: FlowDocument,
): { folder: string; record: RunRecord } {
  const folder = claimRunFolder(place, content.model, content.data.name);
  const id = ('id' in place ? place.id : undefined) ?? basename(folder);
  const record: RunRecord = { version: 1, id, created: new Date().toISOString(), ...content };
  if (flows !== undefined) writeFileAtomic(runPaths(folder).flows, seal(flows));
  writeFileAtomic(runPaths(folder).record, seal(record));
  return { folder, record };
}

/**
 * The folder of a new run: `folder` if given (absent or empty), else the next free `<parent>/<model>-<data set>-<counter>`.
 *
 * @throws RUN_EXISTS, FILE_UNWRITABLE, DISK_FULL
 */
export const claimRunFolder = (place: { folder: string } | { parent: string }, model: string, data: string): string =>
  'folder' in place ? emptyFolder(place.folder) : nextFolder(place.parent, `${model}-${plain(data)}`);

/**
 * Reads the record of a run.
 *
 * @throws RUN_NOT_FOUND, RUN_CHOOSING, CHECKSUM_MISMATCH, RUN_DAMAGED
 */
export function openRun(folder: string): RunRecord {
  const { record: path, choosing } = runPaths(folder);
  if (!existsSync(path)) throw error(existsSync(choosing) ? 'RUN_CHOOSING' : 'RUN_NOT_FOUND', { folder });
  const record = readSealed(path, 'a run folder', recordSchema);
  checkFinished(folder, { run: markOf(record) });
  return record;
}

/** Module files that define the model of a run, if it is not a model of the zoo. */
export const modelFiles = ({ config }: RunRecord): string[] =>
  Array.isArray(config.modelFiles) ? config.modelFiles.filter((file) => typeof file === 'string') : [];

/**
 * The flow verdict that a run's model is built from; undefined if there is none.
 *
 * @throws CHECKSUM_MISMATCH, RUN_DAMAGED
 */
export function readFlows(folder: string): FlowDocument | undefined {
  const path = runPaths(folder).flows;
  return existsSync(path) ? readSealed(path, 'the verdict on flows of a run', flowDocumentSchema) : undefined;
}

/**
 * Why a run has its model, where none was named; undefined else.
 *
 * @throws CHECKSUM_MISMATCH, RUN_DAMAGED
 */
export function readChoice(folder: string): ChoiceDocument | undefined {
  const path = runPaths(folder).choice;
  return existsSync(path) ? readSealed(path, 'the choice of a model', choiceSchema) : undefined;
}

/**
 * What a finished run found; undefined while it is trained, and for runs of versions that wrote no result.json.
 *
 * @throws CHECKSUM_MISMATCH, RUN_DAMAGED
 */
export function readResult(folder: string): RunDocument | undefined {
  const path = runPaths(folder).result;
  if (!isRecordedFinished(folder) || !existsSync(path)) return undefined;
  return readSealed(path, 'the result of a run', runSchema);
}

/**
 * Keeps what was measured of a finished model; of an unfinished one nothing is kept.
 *
 * @throws DISK_FULL, FILE_UNWRITABLE
 */
export function keepImportance(folder: string, document: ImportanceDocument): void {
  if (isRecordedFinished(folder)) writeFileAtomic(runPaths(folder).importance, seal(document));
}

/**
 * What `importance` measured last of a finished model; undefined where it was not measured.
 *
 * @throws CHECKSUM_MISMATCH, RUN_DAMAGED
 */
export function readImportance(folder: string): ImportanceDocument | undefined {
  const path = runPaths(folder).importance;
  if (!isRecordedFinished(folder) || !existsSync(path)) return undefined;
  return readSealed(path, 'the importance of fields', importanceSchema);
}

/** Identifies a run, independent of the name of its folder and the path of its data. */
export const markOf = ({ id, created }: RunRecord): string => `${id} ${created}`;

/** Removes the checkpoints of a finished training; its model stays. */
export const dropCheckpoints = (folder: string): void =>
  rmSync(runPaths(folder).checkpoints, { recursive: true, force: true });

/**
 * The lines of metrics.jsonl, verified if the run is finished.
 *
 * @throws CHECKSUM_MISMATCH, RUN_DAMAGED (with the line), FILE_UNREADABLE
 */
export const readMetrics = (folder: string): MetricsLine[] => readLog(folder, runPaths(folder).metrics, metricsLine);

/** The same for timings.jsonl. */
export const readTimings = (folder: string): TimingsLine[] => readLog(folder, runPaths(folder).timings, timingsLine);

function readLog<T>(folder: string, path: string, schema: z.ZodType<T>): T[] {
  checkFinished(folder, { file: basename(path) });
  return parseLines(path, readJsonLines(path), schema);
}

export interface RunLogs {
  metrics: JsonLines<MetricsLine>;
  timings: JsonLines<TimingsLine>;
  /** Makes all lines durable: call it before a checkpoint that records their lengths. */
  sync(): void;
  close(): void;
}

/** How much of the logs a checkpoint recorded: lengths in bytes, and SHA-256 (checkpoints of version 0.1 have none). */
export interface KeptLogs {
  metrics: number;
  timings: number;
  metricsSha256?: string;
  timingsSha256?: string;
}

/**
 * Opens the logs of a run for appending, truncated to the state of a checkpoint (zero: start over). The run then counts as
 * unfinished until it finishes again. The caller holds the folder's lock.
 *
 * @throws RUN_DAMAGED, CHECKSUM_MISMATCH, FILE_UNWRITABLE
 */
export function openLogs(folder: string, keep: KeptLogs): RunLogs {
  forgetFinished(folder);
  const metrics = openJsonLines<MetricsLine>(runPaths(folder).metrics, keep.metrics, keep.metricsSha256);
  const timings = openJsonLines<TimingsLine>(runPaths(folder).timings, keep.timings, keep.timingsSha256);
  return {
    metrics,
    timings,
    sync() {
      metrics.sync();
      timings.sync();
    },
    close() {
      metrics.close();
      timings.close();
    },
  };
}

function emptyFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true });
    const names = readdirSync(folder);
    const found = names.find((name) => !name.endsWith('.tmp')); // an interrupted attempt leaves only these
    if (found !== undefined) throw error('RUN_EXISTS', { folder, found });
    for (const name of names) if (isLeftover(name)) rmSync(join(folder, name), { force: true });
    return folder;
  } catch (cause) {
    throw asWriteError(cause, folder);
  }
}

/** Makes the folder whose counter is one more than the highest there. */
function nextFolder(parent: string, stem: string): string {
  for (;;)
    try {
      mkdirSync(parent, { recursive: true });
      const counters = readdirSync(parent).map((name) =>
        name.startsWith(`${stem}-`) ? Number(/^\d+$/.exec(name.slice(stem.length + 1)) ?? 0) : 0,
      );
      const folder = join(parent, `${stem}-${Math.max(0, ...counters) + 1}`);
      mkdirSync(folder);
      return folder;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw asWriteError(cause, parent); // else: another process has just made it
    }
}

/** A data set's name as part of a file name. */
const plain = (name: string): string =>
  name
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, 100)
    .replaceAll(/^[.-]+|-+$/g, '') || 'data';
