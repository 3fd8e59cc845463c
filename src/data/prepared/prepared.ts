/**
 * A prepared data set: a folder that `prepare` wrote and training, evaluation and serving read.
 *
 *   manifest.json                what is here, with hashes of inputs, configuration and files; sealed by its own checksum
 *   train|validation|test.parquet  encoded rows: `field_<name>` (int32 id of the field, or a list of them), `scenario`
 *                                  (int32), `label_<task>` (float, NULL where missing), `weight`, `group`, `sequence_<type>`
 *                                  (list of ids of the item field, oldest first) where configured
 *   vocabularies/<field>.parquet   token, id, count
 *   vocabularies/<field>.rates.parquet   of a rate field: key (data/encode/rates.ts), rows, rate, id
 *   statistics.json              per field and cell: counts, out-of-vocabulary shares, positive rates
 *   rows/<split>.bin             the same rows as a flat file for random access (written at first use), with a checksum of each block
 */
import type { DatasetConfig, SplitName } from '../../config/dataset.ts';
import type { PreparedField, PreparedSequences } from '../encode/ids.ts';
import type { RateTable } from '../encode/rates.ts';

/** A file that went into a prepared data set. */
export interface InputFile {
  /** Relative to the source folder. */
  path: string;
  bytes: number;
  /** Time of its last change, milliseconds since 1970: while size and time stay, the content is not read again. */
  modified: number;
  sha256: string;
}

/** A column of a source, as training saw it: later files are read with its type. */
export interface SourceColumn {
  name: string;
  /** DuckDB's name of the type. */
  type: string;
  /** Were tokens made of the text as written, where the type does not keep it? Data of version 0.1 do not say. */
  written?: true;
}

export interface Manifest {
  /** Version of this layout. 1: without a checksum of the manifest's own; such folders are read as well. */
  version: 1 | 2;
  name: string;
  /** The configuration with defaults filled in. */
  config: DatasetConfig;
  /** SHA-256 of the canonical configuration and of every input file: what a second run compares. */
  configHash: string;
  inputs: InputFile[];
  /** Columns of every source with DuckDB's types, as expressions saw them. */
  columns: Record<string, SourceColumn[]>;
  /** Absolute folder that the inputs' paths start from. */
  sourceFolder: string;
  fields: PreparedField[];
  /** Absent where the data set has none. */
  sequences?: PreparedSequences;
  /** Rows of the embedding table: the sum of the fields' sizes. */
  tableRows: number;
  scenarios: string[];
  tasks: string[];
  /** No training row has a task's label 1 and the label 0 of the task before it (click, then purchase). Older data do not say. */
  orderedTasks?: boolean;
  splits: Record<SplitName, { rows: number; file: string; sha256: string }>;
  /**
   * Of a split by time: the times from which on rows are of validation and of test, as texts (instants in UTC); null where
   * the part is empty. Older data do not say.
   */
  splitBorders?: { validation: string | null; test: string | null };
  hasWeight: boolean;
  hasGroup: boolean;
  /** SHA-256 of the other files of the folder, by path. */
  files: Record<string, string>;
  /** SHA-256 of rows, vocabularies and what they mean: names this data set in run folders, wherever it lies. */
  hash: string;
}

/** A batch of rows. Arrays are views that the next batch overwrites. */
export interface Batch {
  /** Rows in this batch (the last one of an epoch may be short). */
  size: number;
  /** [size, slots] table ids (field offset added); an empty slot of a multi-value field holds its field's padding id. */
  ids: Int32Array;
  /**
   * [size, K, L] table ids of the items of each sequence, oldest first, then the item field's padding id. Absent where the
   * data set has no sequences.
   */
  sequences?: Int32Array;
  /** [size] */
  scenario: Int32Array;
  /** [size, T]: 0, 1, or NaN where the label is missing. */
  labels: Float32Array;
  /** [size] */
  weight: Float32Array;
  /** [size] number of the row's group, or -1 everywhere without a group key. */
  group: Int32Array;
  /** [size] position of the row in its split: 0 .. rows-1. */
  row: Int32Array;
}

export interface BatchOptions {
  batchSize: number;
  /** Rows in stored order when absent; else an order that depends on (seed, epoch) alone. */
  shuffle?: { seed: number; epoch: number };
  /** Batches to skip at the start (resume). Default 0. */
  firstBatch?: number;
}

/** Reads one split. `batches` may be called again and again (one iteration at a time). Disposing closes it. */
export interface SplitReader extends AsyncDisposable {
  rows: number;
  batches(options: BatchOptions): AsyncIterable<Batch>;
  close(): Promise<void>;
}

export interface PreparedData {
  folder: string;
  manifest: Manifest;
  open(split: SplitName): Promise<SplitReader>;
  /** Every row of a split in stored order, 4096 rows at a time. */
  batches(split: SplitName): AsyncIterable<Batch>;
  /** Tokens of a field by id (index 0 and 1 are the reserved ids); used by warm start and reports. */
  tokens(field: string): Promise<string[]>;
  /** The table of a rate field. */
  rates(field: string): Promise<RateTable>;
}

export const SPLITS: SplitName[] = ['train', 'validation', 'test'];
