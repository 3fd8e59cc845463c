/**
 * What a training step sends over ranks that all hold the whole table (train/ranks), and what that costs: a model, to know
 * before renting machines whether more of them help.
 */
import { allGatherBytes, allReduceBytes } from './traffic.ts';

export interface StepSizes {
  ranks: number;
  /** Rows of a batch, over all ranks. */
  batch: number;
  /** Table rows that a row of the data reads. */
  fields: number;
  dimension: number;
  /** Rows of the embedding table. */
  tableRows: number;
  denseParameters: number;
}

export interface StepBytes {
  /** Gradients of dense parameters: allReduce. */
  dense: number;
  /** Ids and sums of gradients to the ranks that own the rows: allToAll. */
  toOwners: number;
  /** Ids and sums over all ranks to all: allGather. */
  toAll: number;
}

/** Distinct rows among `draws` uniform ones: the most there can be on average. Skewed data have fewer. */
export const distinctRows = (rows: number, draws: number): number =>
  rows <= 1 ? Math.min(rows, draws) : -rows * Math.expm1(draws * Math.log1p(-1 / rows));

/**
 * Bytes that one rank sends in a step. `distinct`: table rows that n draws have in common with nobody, by default those of uniform
 * draws.
 */
export function stepBytes(sizes: StepSizes, distinct = distinctRows): StepBytes {
  const { ranks, batch, fields, dimension, tableRows, denseParameters } = sizes;
  const row = 4 * (dimension + 1); // an id and a sum
  const own = distinct(tableRows, (batch / ranks) * fields);
  const all = distinct(tableRows, batch * fields);
  return {
    dense: allReduceBytes(4 * denseParameters, ranks),
    toOwners: (own * row * (ranks - 1)) / ranks,
    toAll: allGatherBytes(all / ranks, ranks, row),
  };
}

export interface Machine {
  /** Time of a step on one rank, in ms, and the part of it that each rank repeats: updates of tables and parameters. */
  stepMs: number;
  updateMs: number;
  /** What a rank sends while it receives as much, in GB/s. */
  gigabytesPerSecond: number;
  /** Of one message between two ranks, in microseconds. */
  latencyUs: number;
}

/**
 * Time of a step over ranks, in ms. A rank sends one message to each other in each of: the two halves of two allReduces (gradients, and
 * sums over rows of the batch), three allToAll and two allGather, and of one more allReduce for counts.
 */
export function stepTime(sizes: StepSizes, { stepMs, updateMs, gigabytesPerSecond, latencyUs }: Machine): number {
  const { dense, toOwners, toAll } = stepBytes(sizes);
  const sending = (dense + toOwners + toAll) / (gigabytesPerSecond * 1e6);
  const messages = (4 + 3 + 2 + 2) * (sizes.ranks - 1);
  return (stepMs - updateMs) / sizes.ranks + updateMs + sending + (messages * latencyUs) / 1000;
}
