/**
 * Where the rows of embedding tables are: in the arena of a model, in several memories where they do not fit there, or on several ranks.
 * Whoever trains or scores asks a store for the rows of a batch and hands it their gradients; where a row is changes no bit.
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

/** Ids of rows, and where their embeddings go. A store on several ranks writes over the ids. */
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

/** Sums of gradients that arrive at the owner of their rows, those of rank 0 first; rows as it numbers its own. */
export interface Received {
  ids: Region<Int32Array>;
  gradients: Region;
}

/** What differs in a store whose rows lie on several ranks. All of them call `gather` and `giveBack` together. */
export interface Shards {
  /** This rank has the rows rank, rank + size, rank + 2 size ... */
  readonly rank: number;
  readonly size: number;
  /**
   * Sends sums of gradients to the owners. `unique` are positions among the rows that the last gather fetched, which it has put in
   * place of their ids (-1 for padding). Returns how many sums have arrived.
   */
  giveBack(sums: Pick<RowGradients, 'unique' | 'count' | 'summed'>, into: Received): Promise<number>;
}

export interface TableStore {
  /** Of all ranks together. */
  readonly rows: number;
  readonly dimension: number;
  /** Bytes of its memories outside the arena; 0 where the arena holds the tables. */
  readonly bytes: number;
  readonly memories: number;
  /** Where rows lie on several ranks: what follows is then about those of this one. */
  readonly shards?: Shards;
  /** out[b, f, :] = pooled rows of field f. ids [B, slots] -> out [B, F*D]. Throws for an id outside the table. */
  gather(table: TableName, requests: readonly GatherRequest[]): void | Promise<void>;
  /** Updates the table and its moments, lazily or densely as the store was opened. Over ranks, rows are numbered as this one has them. */
  update(gradients: RowGradients, step: TableStep): void;
  /** Multiplies a row of the table. */
  scale(row: number, factor: number): void;
  /** A row, in place. */
  row(part: TablePart, row: number): Float32Array;
  /** All rows of a part, in place and in order, in as many arrays as there are memories; none if the store has no such part. */
  parts(part: TablePart): readonly Region[];
}
