/** The stages of a round. Each may be killed at any moment and called again: what is finished is not made anew. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DAY_MS, dateOf, startOfDay } from '../base/times.ts';
import type { DatasetConfig } from '../config/dataset.ts';
import { loadDatasetConfig, resolveRun } from '../config/load.ts';
import type { LoopConfig } from '../config/loop.ts';
import type { RunConfig } from '../config/run.ts';
import { prepare } from '../data/prepare/prepare.ts';
import { openPrepared } from '../data/prepared/open.ts';
import type { Round } from '../documents/loop/round.ts';
import { selectRun } from '../export/export.ts';
import { models } from '../model/registry.ts';
import { openArtifact } from '../store/artifact/open.ts';
import { MANIFEST } from '../store/artifact/paths.ts';
import { isRecordedFinished } from '../store/run/finished-run.ts';
import { modelFiles, openRun, runPaths } from '../store/run/run-folder.ts';
import { startTraining } from '../train/run/host.ts';
import { newRun } from '../train/run/new-run.ts';
import type { LoopContext } from './context.ts';
import { datasetPath } from './join/join.ts';
import { loopPaths, roundPaths } from './rounds.ts';

/** Midnight (UTC) that a day ends with, milliseconds since 1970. */
export const endOfDay = (day: string): number => startOfDay(day) + DAY_MS;
const dayBefore = (day: string, days: number): string => dateOf(startOfDay(day) - days * DAY_MS);

/** First day of training rows. */
export const firstDay = (day: string, { days }: LoopConfig['train']): string | null =>
  days === undefined ? null : dayBefore(day, days);

/**
 * Prepares the rows up to the end of the day that judges. That day is the test split; of the requests before it, a share by hash of
 * the request is validation, so that training also sees the newest days. Vocabularies go on from those of the model that serves.
 */
export async function prepareRound(context: LoopContext, round: Round): Promise<Pick<Round, 'prepared'>> {
  const { folder, train } = context.config;
  const { rows } = loopPaths(folder);
  const dataset = await loadDatasetConfig(datasetPath(rows));
  const { manifest } = await prepare({
    config: { ...dataset, ...partsOf(dataset, round, train.validation) },
    sourceFolder: rows,
    out: roundPaths(folder, round.round).data,
    vocabularyFrom: openRun(round.serving.run).data.folder,
    onEvent: ({ step }) => context.onEvent({ event: 'step', step: `preparing: ${step}` }),
  });
  const { hash, splits } = manifest;
  const { train: trained, validation, test } = splits;
  return { prepared: { hash, train: trained.rows, validation: validation.rows, test: test.rows } };
}

/** Rows of the round, and their split. */
function partsOf(
  { where }: DatasetConfig,
  { day, from }: Round,
  validation: number,
): Pick<DatasetConfig, 'split' | 'where'> {
  const own = [
    ...(where === undefined ? [] : [`(${where})`]),
    ...(from === null ? [] : [`log_time::DATE >= DATE '${from}'`]),
    `log_time::DATE <= DATE '${day}'`,
  ].join(' AND ');
  const share = Math.round(validation * 10_000);
  const part = `md5_number_upper(log_request_id) % 10000 < ${share}`;
  const column = `CASE WHEN log_time::DATE = DATE '${day}' THEN 'test' WHEN ${part} THEN 'validation' ELSE 'train' END`;
  return { where: own, split: { kind: 'column', column, train: 'train', validation: 'validation', test: 'test' } };
}

/** Trains the next model: with the options of the one that serves, from its weights where the configuration says so. */
export async function trainRound(context: LoopContext, round: Round): Promise<Pick<Round, 'trained'> | undefined> {
  const { folder } = context.config;
  const { run, data } = roundPaths(folder, round.round);
  if (!existsSync(runPaths(run).record)) {
    rmSync(run, { recursive: true, force: true });
    await newRun(await configOf(context, round.serving.run), await openPrepared(data), { folder: run });
  }
  if (!isRecordedFinished(run)) {
    const { onEvent, signal } = context;
    const training = startTraining(run, {
      data,
      signal,
      onEvent: (training) => onEvent({ event: 'training', training }),
    });
    if ((await training.finished).event !== 'result') return undefined;
  }
  return { trained: { run } };
}

async function configOf({ config: { train } }: LoopContext, serving: string): Promise<RunConfig> {
  const record = openRun(serving);
  await models.loadFiles(modelFiles(record));
  const { warmStart: _, warmStartData: _data, ...own } = record.config;
  const start = train.start === 'warm' ? { warmStart: serving } : {};
  return resolveRun({
    models,
    config: { ...own, ...start },
    set: train.set,
    source: `the configuration of ${serving}`,
  });
}

/** Writes the artifact, with the name and the score of the one that serves. */
export async function exportRound(context: LoopContext, round: Round): Promise<Pick<Round, 'exported'>> {
  const { folder, select } = context.config;
  const { run, artifact } = roundPaths(folder, round.round);
  if (!existsSync(join(artifact, MANIFEST))) {
    rmSync(artifact, { recursive: true, force: true });
    const { name, score } = (await openArtifact(round.serving.artifact)).manifest;
    await selectRun(run, {
      ...select,
      out: artifact,
      name,
      score,
      onEvent: (event) =>
        event.event === 'step' && context.onEvent({ event: 'step', step: `exporting: ${event.step}` }),
    });
  }
  return { exported: { artifact, id: (await openArtifact(artifact)).manifest.id } };
}
