/**
 * `prepare`: sources -> rows -> split -> vocabularies -> encoded Parquet, all by DuckDB within a memory limit, into a
 * folder that appears as a whole. Equal inputs and configuration give an equal manifest hash.
 */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { writeFolder } from '../../base/folders.ts';
import { canonicalJson, sha256 } from '../../base/hash.ts';
import { type DatasetConfig, scenarioNames } from '../../config/dataset.ts';
import { withAdvice } from '../expressions/advice.ts';
import { checkExpressions } from '../expressions/check.ts';
import { neededColumns } from '../expressions/columns.ts';
import { checkFit } from '../expressions/fit.ts';
import { allExpressions } from '../expressions/places.ts';
import type { Column } from '../formats/columns.ts';
import { readManifest, writeManifest } from '../prepared/manifest.ts';
import type { Manifest, SourceColumn } from '../prepared/prepared.ts';
import { checkJoinKeys } from '../sources/duplicate-keys.ts';
import { type FoundFiles, findSources } from '../sources/find.ts';
import { recordInputs, sameInputs } from '../sources/inputs.ts';
import { createSourceViews } from '../sources/views.ts';
import { openDuckDB } from '../sql/duckdb.ts';
import { registerNumberText } from '../sql/functions.ts';
import { writeParts } from './parts.ts';
import { checkOurs, earlierResult, isWhole, readStatistics } from './result-folder.ts';
import { createRows } from './rows.ts';
import { describeSequences } from './sequences.ts';
import { createSplit } from './split.ts';
import { computeStatistics, type Statistics, tasksAreOrdered } from './statistics.ts';
import { createVocabularies, type Earlier, typesOf, vocabularyFiles } from './vocabularies.ts';

export interface PrepareOptions {
  config: DatasetConfig;
  /** Where relative paths of the sources start. */
  sourceFolder: string;
  /** Folder of the prepared data set; an earlier one there is replaced. */
  out: string;
  /** Memory of DuckDB. Default 1GB. */
  memoryLimit?: string;
  /** Replaces the seed of a random or key split. */
  seed?: number;
  /** A data set prepared before whose vocabularies go on: its ids stay, new tokens are appended. */
  vocabularyFrom?: string;
  /** Called when a step begins. */
  onEvent?: (event: PrepareProgress) => void;
}

export interface PrepareProgress {
  event: 'progress';
  /** What is done now, for people. */
  step: string;
  /** Number of the step, from 1. */
  number: number;
  of: number;
}

export interface Preparation {
  folder: string;
  manifest: Manifest;
  statistics: Statistics;
  /** False where nothing had changed and nothing was done. */
  fresh: boolean;
}

/**
 * Prepares a data set. Throws the DATA_* errors of its inputs, DATA_OUT_OCCUPIED where `out` is something else, DISK_FULL,
 * FILE_UNWRITABLE; on any error `out` is as it was.
 */
export async function prepare(options: PrepareOptions): Promise<Preparation> {
  const config = withSeed(options.config, options.seed);
  const folder = resolve(options.out);
  const earlier =
    options.vocabularyFrom === undefined
      ? undefined
      : { folder: options.vocabularyFrom, manifest: readManifest(options.vocabularyFrom) };
  const configHash = sha256(canonicalJson({ layout: 1, config, ...earlierHashes(earlier) }));
  const before = earlierResult(folder);
  const files = await findSources(config.sources, options.sourceFolder);
  for (const source of Object.keys(config.sources)) files.of(source);
  if (
    before !== undefined &&
    before.configHash === configHash &&
    (await sameInputs(before.inputs, files.all, options.sourceFolder)) &&
    (await isWhole(folder))
  ) {
    const statistics = readStatistics(folder);
    if (statistics !== undefined) return { folder, manifest: before, statistics, fresh: false };
  }

  const task = { ...options, config, configHash, files, earlier };
  const result = await writeFolder(folder, (staging) => prepareInto(staging, task), checkOurs);
  return { folder, ...result, fresh: true };
}

export interface Task extends PrepareOptions {
  configHash: string;
  files: FoundFiles;
  /** The data set whose vocabularies go on. */
  earlier: Earlier | undefined;
}

const STEPS = [
  'Reading the sources',
  'Computing the rows',
  'Splitting',
  'Building the vocabularies',
  'Writing the encoded rows',
  'Counting',
];

/** Does all the work in `staging`; the database of rows is gone at the end. */
async function prepareInto(staging: string, task: Task): Promise<{ manifest: Manifest; statistics: Statistics }> {
  const { config, configHash, sourceFolder, memoryLimit } = task;
  const begin = (number: number) =>
    task.onEvent?.({ event: 'progress', step: STEPS[number - 1], number, of: STEPS.length });
  const work = join(staging, 'work');
  mkdirSync(work);
  const { connection, close } = await openDuckDB({
    access: { files: [...task.files.all, ...vocabularyFiles(task.earlier)], folders: [staging] },
    memoryLimit,
    tempFolder: work,
    file: join(work, 'rows.duckdb'),
  });
  try {
    begin(1);
    const inputs = await recordInputs(task.files.all, sourceFolder);
    await registerNumberText(connection);
    // Types of the others need not be found out.
    const needed = (await neededColumns(connection, config)) ?? (() => true);
    const known = await typesOf(connection, task.earlier?.manifest);
    const sources = await createSourceViews(connection, config, task.files, (source) => ({
      isUnneeded: (column) => !needed(column),
      bound: (column) => (needed(column) ? known(source, column) : undefined),
    }));
    const advised = async (cause: unknown) => {
      throw await withAdvice({ connection, config, sources }, cause);
    };
    await checkFit(connection, config, sources, allExpressions(config));
    const values = await checkExpressions(connection, config, sources).catch(advised);
    await checkJoinKeys(connection, config, sources);
    begin(2);
    const { rows, leftOut } = await createRows(connection, config, sources, values).catch(advised);
    begin(3);
    const splitBorders = await createSplit(connection, config, rows);
    begin(4);
    const fields = await createVocabularies(connection, config, values, staging, task.earlier);
    begin(5);
    const splits = await writeParts(connection, config, values, staging);
    begin(6);
    const columns = Object.fromEntries(sources.map((source) => [source.name, source.columns.map(asRecorded)]));
    const sequences = describeSequences(config);
    const parts = {
      fields,
      splits,
      tasks: config.tasks.map((t) => t.name),
      scenarios: scenarioNames(config.scenario),
      ...(sequences && { sequences }),
      ...(splitBorders && { splitBorders }),
    };
    const statistics = await computeStatistics(connection, { ...parts, config }, staging, leftOut);
    writeFileSync(join(staging, 'statistics.json'), `${JSON.stringify(statistics, undefined, 1)}\n`);
    const manifest = await writeManifest(staging, {
      ...parts,
      config,
      configHash,
      inputs,
      columns,
      orderedTasks: await tasksAreOrdered(connection, parts.tasks, join(staging, splits.train.file)),
      sourceFolder: resolve(sourceFolder),
    });
    return { manifest, statistics };
  } finally {
    close();
    rmSync(work, { recursive: true, force: true });
  }
}

/** What the manifest says of a column. */
const asRecorded = ({ name, type, written }: Column): SourceColumn => ({ name, type, ...(written && { written }) });

/** What of an earlier data set this one follows from. Ledgers are no part of its hash. */
const earlierHashes = (earlier: Earlier | undefined) => {
  const ledgers = Object.entries(earlier?.manifest.files ?? {}).filter(([file]) => file.endsWith('.sightings.parquet'));
  return { vocabulary: earlier?.manifest.hash, ...(ledgers.length > 0 && { ledgers }) };
};

const withSeed = (config: DatasetConfig, seed: number | undefined): DatasetConfig =>
  seed !== undefined && 'seed' in config.split ? { ...config, split: { ...config.split, seed } } : config;
