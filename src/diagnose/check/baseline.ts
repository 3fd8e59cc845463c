/** What a run is held against: the result of a run folder, or a document of one. */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { readDescription, writeFileAtomic } from '../../base/files.ts';
import { isRecord, parseJson } from '../../base/json.ts';
import { type BaselineDocument, baselineSchema } from '../../documents/diagnose/check.ts';
import type { GridJson } from '../../documents/grid.ts';
import { evaluationSchema, trainingSchema } from '../../documents/result.ts';
import { openRun, readMetrics, runPaths } from '../../store/run/run-folder.ts';

export interface Baseline {
  grid: GridJson;
  /** The data set that it was measured on, where that is known. */
  dataHash?: string;
  /** The run folder, where that was named. */
  run?: string;
}

/**
 * The test metrics that a finished run recorded.
 *
 * @throws CHECK_NO_RESULT; errors of openRun and readMetrics
 */
export function recordedResult(run: string): BaselineDocument {
  const { model, data } = openRun(run);
  const end = readMetrics(run).findLast((line) => line.kind === 'result');
  if (end === undefined) throw error('CHECK_NO_RESULT', { run });
  const { name, hash } = data;
  return { schema: 'baseline/1', run, model, data: { name, hash }, split: 'test', grid: end.test };
}

export const writeBaseline = (path: string, baseline: BaselineDocument): void =>
  writeFileAtomic(path, `${JSON.stringify(baseline, null, 1)}\n`);

/**
 * Reads a run folder, a file of `check --write`, or what `train --json` or `evaluate --json` printed.
 *
 * @throws CHECK_BASELINE, FILE_MISSING, FILE_UNREADABLE; errors of recordedResult
 */
export function readBaseline(path: string): Baseline {
  if (existsSync(runPaths(path).record)) {
    const { grid, data } = recordedResult(path);
    return { grid, dataHash: data.hash, run: path };
  }
  const found = documents.safeParse(lastDocument(path));
  if (!found.success)
    throw error('CHECK_BASELINE', { path, problem: 'it is no baseline/1, training/1 or evaluation/1 document' });
  const { data: document } = found;
  if (document.schema === 'baseline/1') return { grid: document.grid, dataHash: document.data.hash };
  if (document.schema === 'evaluation/1' && document.split !== 'test')
    throw error('CHECK_BASELINE', { path, problem: 'it was measured on other rows than the test rows of a data set' });
  const { macro, k, means, cells } = document;
  return { grid: { macro, k, means, cells } };
}

const documents = z.discriminatedUnion('schema', [baselineSchema, trainingSchema, evaluationSchema]);

/** The whole file as JSON, or its last line: the result is the last event of `--json`. */
function lastDocument(path: string): unknown {
  const text = readDescription(path, 'a baseline').trim();
  for (const part of [text, text.slice(text.lastIndexOf('\n') + 1)])
    try {
      const value = parseJson(part);
      if (!isRecord(value)) continue;
      const { event: _, ...document } = value;
      return document;
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
    }
  throw error('CHECK_BASELINE', { path, problem: 'it is no JSON object' });
}
