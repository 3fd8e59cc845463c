/** Effects of the id fields, one after another on top of the coarse ones. */
import { sigmoid } from '../../evaluate/index.ts';
import type { Block } from '../survey.ts';
import { logitAt, type Part, type Passes } from './passes.ts';

/** An id field: score and information of each level, given everything else. */
export interface FineEffect {
  kind: 'fine';
  block: Block;
  /** [C, L] */
  score: Float64Array;
  /** [C, L] */
  information: Float64Array;
}

/**
 * Scores and information of the levels of every id, given the coarse fields and the other ids: backfitting.
 *
 * @param coefficients [C] of [P] of the coarse fields; undefined where a cell is not known
 */
export async function fineEffects(
  passes: Passes,
  fine: readonly Block[],
  coefficients: readonly (Float64Array | undefined)[],
): Promise<FineEffect[]> {
  const { tasks: T } = passes;
  const C = coefficients.length;
  const found = fine.map(
    (block): FineEffect => ({
      kind: 'fine',
      block,
      score: new Float64Array(C * block.levels),
      information: new Float64Array(C * block.levels),
    }),
  );
  const shrunken = fine.map(({ levels }): Float64Array => new Float64Array(C * levels)); // [C, L] of each field

  /** Of these fields, each given the coarse fields and what is known of all ids. */
  const update = async (fields: readonly number[]): Promise<void> => {
    for (const i of fields) {
      found[i].score.fill(0);
      found[i].information.fill(0);
    }
    await passes.each((part) => {
      for (let row = 0; row < part.rows; row++)
        for (let t = 0; t < T; t++) {
          const c = part.scenario[row] * T + t;
          const b = coefficients[c];
          if (b === undefined || part.asked[row * T + t] === 0) continue;
          const p = sigmoid(logitAt(part, row * T + t, row, b) + offset(part, row, c));
          const first = part.mass[row] * (part.labels[row * T + t] - p);
          const second = part.mass[row] * p * (1 - p);
          for (const i of fields) {
            const { ids, slots, weight } = part.fine[i];
            const { score, information, block } = found[i];
            for (let slot = 0; slot < slots; slot++) {
              const id = ids[row * slots + slot];
              if (id < 0) continue;
              score[c * block.levels + id] += weight[row] * first;
              information[c * block.levels + id] += weight[row] * second;
            }
          }
        }
    });
    for (const i of fields) {
      const { score, information } = found[i];
      for (let k = 0; k < score.length; k++) score[k] += information[k] * shrunken[i][k];
    }
  };
  /** What ids add to a row's logit. */
  const offset = ({ fine: values }: Part, row: number, c: number): number => {
    let sum = 0;
    for (const [i, { ids, slots, weight }] of values.entries())
      for (let slot = 0; slot < slots; slot++) {
        const id = ids[row * slots + slot];
        if (id >= 0) sum += weight[row] * shrunken[i][c * fine[i].levels + id];
      }
    return sum;
  };

  await update([...fine.keys()]);
  if (fine.length < 2) return found;
  // Each was estimated alone, which gives their order: those that explain more come first.
  const gains = found.map((effect) => shrink(effect, C).gain);
  const order = [...fine.keys()].sort((a, b) => gains[b] - gains[a]);
  for (let sweep = 0; sweep < 2; sweep++)
    for (const i of order) {
      await update([i]);
      shrunken[i] = shrink(found[i], C).effects;
    }
  return found;
}

/** [C, L] effects of levels, each cell's shrunken by the variance of its own; and what they explain. */
function shrink({ score, information, block }: FineEffect, C: number): { effects: Float64Array; gain: number } {
  const effects = new Float64Array(score.length);
  let gain = 0;
  for (let c = 0; c < C; c++) {
    const [from, to] = [c * block.levels, (c + 1) * block.levels];
    const variance = prior(score.subarray(from, to), information.subarray(from, to));
    for (let k = from; k < to; k++) {
      effects[k] = (variance * score[k]) / (1 + variance * information[k]);
      gain += effects[k] * score[k];
    }
  }
  return { effects, gain };
}

/** Variance of the effects of one cell's levels by moments: scores vary by it beyond their information. */
function prior(score: Float64Array, information: Float64Array): number {
  let excess = 0;
  let squares = 0;
  for (let k = 0; k < score.length; k++) {
    excess += score[k] * score[k] - information[k];
    squares += information[k] * information[k];
  }
  return Math.max(excess / Math.max(squares, 1e-9), 0);
}
