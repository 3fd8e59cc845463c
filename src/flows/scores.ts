/**
 * Each flow's function as learned from the rows of the search, for other rows: the posterior mean of a field's level effects
 * under the fitted covariance, at strength 1.
 */

import { type Parameters, weightedScores } from './covariance/likelihood.ts';
import { FLOWS, patternsOf } from './covariance/structure.ts';
import type { CoarseEffect } from './effects/coarse.ts';
import type { Effects } from './effects/effects.ts';
import type { FlowField, FlowRows } from './rows.ts';
import type { Block } from './survey.ts';
import type { Term } from './terms.ts';

/** [L, C] of a field for one flow. */
type LevelEffects = Float64Array;

export interface LearnedFlows {
  /** By field, the effects of its levels for each flow that reads it. */
  fields: { block: Block; effects: (LevelEffects | undefined)[] }[];
  cells: number;
}

export function learnedFlows(
  { fields }: Pick<Effects, 'fields'>,
  terms: readonly Term[],
  { tau2, W, reads }: Parameters & { reads: readonly boolean[] },
  S: number,
  T: number,
): LearnedFlows {
  const C = S * T;
  const patterns = patternsOf(S, T);
  const used = tau2.map((value, i) => (reads[i] ? value : 0));
  return {
    cells: C,
    fields: fields.map((field, j) => {
      const own = used.subarray(j * FLOWS, (j + 1) * FLOWS);
      const weighted = weightedScores(terms[j], { scenarios: S, tasks: T }, own, W);
      const effects = Array.from({ length: FLOWS }, (_, k) => {
        if (!reads[j * FLOWS + k]) return undefined;
        const rows = posterior(terms[j], weighted, own[k], W.subarray(k * C, (k + 1) * C), patterns[k], C); // [M,C]
        return levelEffects(field, terms[j], rows, C);
      });
      return { block: field.block, effects };
    }),
  };
}

/** [M, C] tau2 P (w o score): the flow's part of each row, in every cell, at strength 1 there. */
function posterior(
  { rows }: Term,
  weighted: Float64Array,
  tau2: number,
  w: Float64Array,
  pattern: Float64Array,
  C: number,
): Float64Array {
  const out = new Float64Array(rows * C);
  for (let m = 0; m < rows; m++)
    for (let c = 0; c < C; c++) {
      let sum = 0;
      for (let i = 0; i < C; i++) sum += weighted[m * C + i] * w[i] * pattern[i * C + c];
      out[m * C + c] = tau2 * sum;
    }
  return out;
}

/** [L, C] effects of levels from those of a term's rows [M, C]. */
export const levelEffects = (
  field: Effects['fields'][number],
  term: Term,
  rows: Float64Array,
  C: number,
): LevelEffects =>
  field.kind === 'coarse' ? throughBasis(field, rows, C) : atLevels(term, rows, field.block.levels, C);

function throughBasis({ block, contrasts: { basis } }: CoarseEffect, rows: Float64Array, C: number): LevelEffects {
  const L = block.levels;
  const out = new Float64Array(L * C);
  for (let l = 0; l < L; l++)
    for (let m = 0; m < L - 1; m++)
      for (let c = 0; c < C; c++) out[l * C + c] += basis[l * (L - 1) + m] * rows[m * C + c];
  return out;
}

/** Levels beyond those that the likelihood reads have no effect. */
function atLevels({ order }: Term, rows: Float64Array, levels: number, C: number): LevelEffects {
  const out = new Float64Array(levels * C);
  for (const [m, level] of (order ?? []).entries()) for (let c = 0; c < C; c++) out[level * C + c] = rows[m * C + c];
  return out;
}

/** [4, N, T] (or `count` in place of 4) score of each flow for each row in its own scenario, for each task. Unseen levels add nothing. */
export function flowScores(
  { fields, cells }: LearnedFlows,
  { rows: n, tasks: T, scenario, fields: given }: FlowRows,
  count = FLOWS,
): Float64Array {
  const out = new Float64Array(count * n * T);
  for (const { block, effects } of fields) {
    if (effects.every((effect) => effect === undefined)) continue;
    const at = levelsOf(block, given);
    for (let row = 0; row < n; row++) {
      const levels = at(row);
      for (let k = 0; k < count; k++) {
        const effect = effects[k];
        if (effect === undefined) continue;
        for (const level of levels) {
          if (level < 0) continue;
          for (let t = 0; t < T; t++)
            out[(k * n + row) * T + t] += effect[level * cells + scenario[row] * T + t] / levels.length;
        }
      }
    }
  }
  return out;
}

/** The levels of a row, by the numbers of the block: -1 for one that it does not know. */
function levelsOf(block: Block, given: readonly FlowField[]): (row: number) => number[] {
  if (block.pair !== undefined) {
    const [a, b] = block.pair;
    const [left, right] = [levelsOf(a, given), levelsOf(b, given)];
    return (row) => {
      const [x] = left(row);
      const [y] = right(row);
      return [x < 0 || y < 0 ? -1 : (block.number[x * b.levels + y] ?? -1)];
    };
  }
  const field = given.find(({ name }) => name === block.name);
  if (field === undefined) return () => [];
  return (row) => {
    const levels: number[] = [];
    for (let slot = 0; slot < field.slots; slot++) {
      const id = field.ids[row * field.slots + slot];
      if (id >= 0) levels.push(block.number[id] ?? -1);
    }
    return levels;
  };
}
