/**
 * Where the rows of embedding tables are: in the arena of a model, or in several memories where they do not fit there. Whoever trains or
 * scores asks a store for the rows of a batch and hands it their gradients; which memory a row is in changes no bit.
 */
import type { AdamStep, FieldLayout, Region } from '../kernels/index.ts';

/** The table that learns, and its frozen copy that a gate network reads. */
export type TableName = 'embedding' | 'gateEmbedding';

/** What is kept for each row: its numbers in a table, and moments of the optimiser. */
export type TablePart = TableName | 'firstMoment' | 'secondMoment';

export interface TableSizes {
  /** Rows V and numbers per row D. */
  rows: number;
  dimension: number;
  gateTable: boolean;
  /** Optimiser moments per number: Adam has 2, SGD with momentum 1. */
  moments: 0 | 1 | 2;
  /** How the table is updated; absent for a model that only scores. */
  updates?: {
    /** Is every row updated at every step, rather than only those of the batch? */
    dense: boolean;
    optimizer: 'adam' | 'sgd';
    /** Max distinct rows of a batch. */
    batchRows: number;
  };
}

/** Ids of rows, and where their embeddings go. */
export interface GatherRequest {
  ids: Region<Int32Array>;
  rows: number;
  slots: number;
  fields: FieldLayout[];
  out: Region;
}

/** Distinct table rows of a batch, and the sum of the gradients of each. */
export interface RowGradients {
  unique: Region<Int32Array>;
  count: number;
  summed: Region;
  /** Zeroed workspace, one number per table row. */
  stamps: Region<Int32Array>;
}

/** One step of the optimiser. */
export type TableStep =
  | ({ optimizer: 'adam' } & AdamStep)
  | { optimizer: 'sgd'; learningRate: number; momentum: number; l2: number; gradientScale: number };

export interface TableStore {
  readonly rows: number;
  readonly dimension: number;
  /** Bytes of its memories outside the arena; 0 where the arena holds the tables. */
  readonly bytes: number;
  readonly memories: number;
  /** out[b, f, :] = pooled rows of field f. ids [B, slots] -> out [B, F*D]. Throws for an id outside the table. */
  gather(table: TableName, request: GatherRequest): void;
  /** Updates the table and its moments, lazily or densely as the store was opened. */
  update(gradients: RowGradients, step: TableStep): void;
  /** Multiplies a row of the table. */
  scale(row: number, factor: number): void;
  /** A row, in place. */
  row(part: TablePart, row: number): Float32Array;
  /** All rows of a part, in place and in order, in as many arrays as there are memories; none if the store has no such part. */
  parts(part: TablePart): readonly Region[];
}
