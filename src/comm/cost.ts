/**
 * What a training step sends over ranks (train/ranks), and what that costs: a model, to know before renting machines whether more of
 * them help. Each rank holds whole tables (`replicated`), or its share of their rows (`sharded`).
 */
import { allGatherBytes, allReduceBytes } from './traffic.ts';

export interface StepSizes {
  ranks: number;
  tables: 'replicated' | 'sharded';
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
  /** Replicated: ids and sums over all ranks to all, by allGather. Sharded: rows to the ranks that read them, by allToAll. */
  fromOwners: number;
}

/** Distinct rows among `draws` uniform ones: the most there can be on average. Skewed data have fewer. */
export const distinctRows = (rows: number, draws: number): number =>
  rows <= 1 ? Math.min(rows, draws) : -rows * Math.expm1(draws * Math.log1p(-1 / rows));

/**
 * Bytes that one rank sends in a step. `distinct`: table rows that n draws have in common with nobody, by default those of uniform
 * draws.
 */
export function stepBytes(sizes: StepSizes, distinct = distinctRows): StepBytes {
  const { ranks, tables, batch, fields, dimension, tableRows, denseParameters } = sizes;
  const row = 4 * (dimension + 1); // an id and a sum
  const own = distinct(tableRows, (batch / ranks) * fields);
  const all = distinct(tableRows, batch * fields);
  const elsewhere = (own * (ranks - 1)) / ranks;
  return {
    dense: allReduceBytes(4 * denseParameters, ranks),
    toOwners: elsewhere * row,
    fromOwners: tables === 'sharded' ? elsewhere * 4 * dimension : allGatherBytes(all / ranks, ranks, row),
  };
}

export interface Machine {
  /** Time of a step on one rank, in ms, and the part of it that is updates: each rank that holds whole tables repeats them. */
  stepMs: number;
  updateMs: number;
  /** What a rank sends while it receives as much, in GB/s. */
  gigabytesPerSecond: number;
  /** Of one message between two ranks, in microseconds. */
  latencyUs: number;
}

/**
 * Time of a step over ranks, in ms. A rank sends one message to each other in each of: the two halves of three allReduces (gradients, sums
 * over rows of the batch, and counts or what owners found), and three allToAll and two allGather, or four allToAll.
 */
export function stepTime(sizes: StepSizes, { stepMs, updateMs, gigabytesPerSecond, latencyUs }: Machine): number {
  const { dense, toOwners, fromOwners } = stepBytes(sizes);
  const { ranks, tables } = sizes;
  const sending = (dense + toOwners + fromOwners) / (gigabytesPerSecond * 1e6);
  const messages = (tables === 'sharded' ? 6 + 4 : 6 + 3 + 2) * (ranks - 1);
  const updates = tables === 'sharded' ? updateMs / ranks : updateMs;
  return (stepMs - updateMs) / ranks + updates + sending + (messages * latencyUs) / 1000;
}
