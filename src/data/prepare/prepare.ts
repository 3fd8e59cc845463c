/**
 * `prepare`: sources -> rows -> split -> vocabularies -> encoded Parquet, all by DuckDB within a memory limit, into a
 * folder that appears as a whole. Equal inputs and configuration give an equal manifest hash.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { error, TributaryError } from '../../base/errors/index.ts';
import { recoverFolder, writeFolder } from '../../base/folders.ts';
import { canonicalJson, sha256 } from '../../base/hash.ts';
import { type DatasetConfig, scenarioNames } from '../../config/dataset.ts';
import { type PreparedField, RESERVED_IDS } from '../encode/ids.ts';
import { withAdvice } from '../expressions/advice.ts';
import { checkExpressions, type Values } from '../expressions/check.ts';
import { neededColumns } from '../expressions/columns.ts';
import { checkFit } from '../expressions/fit.ts';
import { allExpressions } from '../expressions/places.ts';
import type { Column } from '../formats/columns.ts';
import { readManifest, strangerIn, verifiedFile, vocabularyFile, writeManifest } from '../prepared/manifest.ts';
import { verifyPrepared } from '../prepared/open.ts';
import type { Manifest, SourceColumn } from '../prepared/prepared.ts';
import { checkJoinKeys } from '../sources/duplicate-keys.ts';
import { inputPaths, recordInputs, sameInputs } from '../sources/inputs.ts';
import { createSourceViews } from '../sources/views.ts';
import { openDuckDB } from '../sql/duckdb.ts';
import { registerNumberText } from '../sql/functions.ts';
import { sameName } from '../sql/text.ts';
import { copyTo, writeParts } from './parts.ts';
import { createRows } from './rows.ts';
import { describeSequences } from './sequences.ts';
import { createSplit } from './split.ts';
import { computeStatistics, type Statistics } from './statistics.ts';
import { tasksAreOrdered } from './task-order.ts';
import { createVocabulary, encodedFields, findBuckets, hashSize, registerFieldBuckets } from './vocabulary.ts';

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
  onProgress?: (progress: Progress) => void;
}

export interface Progress {
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
  const configHash = sha256(canonicalJson({ layout: 1, config, vocabulary: earlier?.manifest.hash }));
  const before = earlierResult(folder);
  const paths = await inputPaths(config, options.sourceFolder);
  if (
    before !== undefined &&
    before.configHash === configHash &&
    (await sameInputs(before.inputs, paths, options.sourceFolder)) &&
    (await isWhole(folder))
  )
    return { folder, manifest: before, statistics: readStatistics(folder), fresh: false };

  const task = { ...options, config, configHash, paths, earlier };
  const result = await writeFolder(folder, (staging) => prepareInto(staging, task), checkOurs);
  return { folder, ...result, fresh: true };
}

interface Task extends PrepareOptions {
  configHash: string;
  /** The source files. */
  paths: string[];
  /** The data set whose vocabularies go on. */
  earlier: { folder: string; manifest: Manifest } | undefined;
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
  const begin = (number: number) => task.onProgress?.({ step: STEPS[number - 1], number, of: STEPS.length });
  const work = join(staging, 'work');
  mkdirSync(work);
  const { connection, close } = await openDuckDB({
    access: { files: [...task.paths, ...vocabularyFiles(task.earlier)], folders: [staging] },
    memoryLimit,
    tempFolder: work,
    file: join(work, 'rows.duckdb'),
  });
  try {
    begin(1);
    const inputs = await recordInputs(task.paths, sourceFolder);
    await registerNumberText(connection);
    // Types of the others need not be found out.
    const needed = (await neededColumns(connection, config)) ?? (() => true);
    const known = await typesOf(connection, task.earlier?.manifest);
    const sources = await createSourceViews(connection, config, sourceFolder, (source) => ({
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

/** The types of columns that an earlier preparation found, as far as it needed them. */
async function typesOf(
  connection: DuckDBConnection,
  earlier: Manifest | undefined,
): Promise<(source: string, column: string) => SourceColumn | undefined> {
  if (earlier === undefined) return () => undefined;
  const needed = (await neededColumns(connection, earlier.config)) ?? (() => true);
  return (source, column) =>
    needed(column) ? earlier.columns[source]?.find(({ name }) => sameName(name, column)) : undefined;
}

/** Paths of the vocabularies that go on. */
const vocabularyFiles = (earlier: Task['earlier']): string[] =>
  (earlier?.manifest.fields ?? []).map(({ name }) => join(earlier?.folder ?? '', vocabularyFile(name)));

/** What the manifest says of a column. */
const asRecorded = ({ name, type, written }: Column): SourceColumn => ({ name, type, ...(written && { written }) });

const withSeed = (config: DatasetConfig, seed: number | undefined): DatasetConfig =>
  seed !== undefined && 'seed' in config.split ? { ...config, split: { ...config.split, seed } } : config;

/** The manifest in the place of the result, if there is one. Throws DATA_OUT_OCCUPIED where something else is. */
function earlierResult(folder: string): Manifest | undefined {
  recoverFolder(folder);
  if (!existsSync(folder)) return undefined;
  if (!statSync(folder).isDirectory()) throw error('DATA_OUT_OCCUPIED', { path: folder });
  if (readdirSync(folder).length === 0) return undefined;
  return checkOurs(folder);
}

/** Throws DATA_OUT_OCCUPIED unless all that is in a folder is of an earlier preparation; returns its manifest, if that is whole. */
function checkOurs(folder: string): Manifest | undefined {
  // Run folders and artifacts have a manifest and vocabularies too; all four names together are ours.
  const ours = ['manifest.json', 'statistics.json', 'vocabularies', 'train.parquet'];
  if (!ours.every((name) => existsSync(join(folder, name))))
    throw error('DATA_OUT_OCCUPIED', { path: folder, found: strangerIn(folder, undefined) });
  const manifest = manifestIfWhole(folder);
  const found = strangerIn(folder, manifest);
  if (found !== undefined) throw error('DATA_OUT_OCCUPIED', { path: folder, found });
  return manifest;
}

function manifestIfWhole(folder: string): Manifest | undefined {
  try {
    return readManifest(folder);
  } catch (cause) {
    if (cause instanceof TributaryError) return undefined; // damaged or of another layout: prepared anew
    throw cause;
  }
}

/** Is every file as it was written? A folder that was damaged is prepared again though nothing else has changed. */
async function isWhole(folder: string): Promise<boolean> {
  try {
    await verifyPrepared(folder);
    return true;
  } catch (cause) {
    if (cause instanceof TributaryError) return false;
    throw cause;
  }
}

export const readStatistics = (folder: string): Statistics =>
  JSON.parse(readFileSync(join(folder, 'statistics.json'), 'utf8')) as Statistics;

/** Makes every field's vocabulary and writes it; returns the fields with their places in the embedding table. */
async function createVocabularies(
  connection: DuckDBConnection,
  config: DatasetConfig,
  values: Values,
  staging: string,
  earlier: { folder: string; manifest: Manifest } | undefined,
): Promise<PreparedField[]> {
  mkdirSync(join(staging, 'vocabularies'));
  const fields: PreparedField[] = [];
  let offset = 0;
  for (const f of encodedFields(config, values)) {
    const { field } = f;
    const before = earlier === undefined ? undefined : earlierField(field, earlier.folder, earlier.manifest);
    let edges: number[] | undefined;
    if (field.kind === 'numeric') {
      const buckets =
        before?.edges === undefined
          ? await findBuckets(connection, f, config.vocabulary.from)
          : { edges: before.edges };
      await registerFieldBuckets(connection, f, buckets);
      edges = buckets === 'logSquare' ? undefined : buckets.edges;
    }
    const hashed = hashSize(field);
    let size = RESERVED_IDS + (hashed ?? 0);
    if (hashed === undefined) {
      const file =
        before === undefined || earlier === undefined
          ? undefined
          : await verifiedFile(earlier.folder, earlier.manifest, vocabularyFile(field.name));
      size = await createVocabulary(connection, config, f, file);
      await copyTo(
        connection,
        `SELECT token, id, count FROM vocabulary${f.index} ORDER BY id`,
        join(staging, vocabularyFile(field.name)),
      );
    }
    const multi = field.kind === 'multi';
    fields.push({
      name: field.name,
      kind: field.kind,
      offset,
      size,
      slots: multi ? field.maxLength : 1,
      pooling: multi ? field.pooling : 'mean',
      ...(edges === undefined ? {} : { edges }),
    });
    offset += size;
  }
  return fields;
}

/** The field of an earlier data set that this one continues; undefined where it is new. Throws DATA_VOCABULARY_MISMATCH. */
function earlierField(
  field: DatasetConfig['fields'][number],
  folder: string,
  manifest: Manifest,
): PreparedField | undefined {
  const before = manifest.config.fields.find((f) => f.name === field.name);
  if (before === undefined) return undefined;
  const shape = (f: typeof field): string =>
    f.kind === 'numeric'
      ? `numeric with buckets ${JSON.stringify(f.buckets)}`
      : f.hash === undefined
        ? f.kind
        : `${f.kind}, hashed into ${f.hash}`;
  if (shape(before) !== shape(field))
    throw error('DATA_VOCABULARY_MISMATCH', {
      field: field.name,
      folder,
      found: shape(before),
      expected: shape(field),
    });
  return manifest.fields.find((f) => f.name === field.name);
}
