/** Bounds the size of an answer before anything is computed: numbers count at their longest, names at their length. */

import { error } from '../../base/errors/index.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import type { RankRequest } from '../ranker/contract.ts';

/** A float64 as text, with its sign and exponent, and the punctuation around it and its name. */
const NUMBER = 28;
const FP32 = 24;
/** Of an item, without its id and its probabilities. */
const ITEM = 64 + NUMBER;

export interface AnswerSize {
  /** Bytes of an answer to `request` with `items` items, `explained` of them with an explanation. */
  ranking(request: RankRequest, items: number, explained: number): number;
  /** Bytes of the outputs of the joint graph for `rows` rows. `names`: the requested outputs; empty for all. */
  tensors(rows: number, names: readonly string[]): number;
}

/** `parts`: the names in an explanation. */
export function createAnswerSize({ data, flows, graphs }: ArtifactManifest, parts: readonly string[]): AnswerSize {
  const byTask = data.tasks.reduce((sum, task) => sum + task.length + NUMBER, 0);
  const flowNames = flows?.names.reduce((sum, name) => sum + name.length + 3, 0) ?? 0;
  const explanation =
    parts.reduce((sum, part) => sum + part.length + 8 + byTask, 32) + data.tasks.length * (16 + flowNames);
  return {
    ranking({ items: all }, items, explained) {
      let ids = 0;
      let longest = 0;
      for (const { id } of all) {
        const bytes = typeof id === 'string' ? id.length : NUMBER;
        ids += bytes;
        longest = Math.max(longest, bytes);
      }
      return Math.min(ids, items * longest) + items * (ITEM + byTask) + explained * explanation;
    },
    tensors(rows, names) {
      const wanted = graphs[0].outputs.filter(({ name }) => names.length === 0 || names.includes(name));
      const columns = wanted.map(({ shape }) => shape.slice(1).reduce<number>((product, n) => product * Number(n), 1));
      return rows * FP32 * columns.reduce((sum, n) => sum + n, 0);
    },
  };
}

/** @throws ANSWER_TOO_LARGE */
export function checkAnswerSize(bytes: number, limit: number): void {
  if (bytes > limit) throw error('ANSWER_TOO_LARGE', { bytes, limit });
}
