/** Effects of the id fields, one after another on top of the coarse ones. */
import { sigmoid } from '../../evaluate/index.ts';
import type { Block, FlowRows } from '../rows.ts';

/** An id field: score and information of each level, given everything else. */
export interface FineEffect {
  kind: 'fine';
  block: Block;
  /** [C, L] */
  score: Float64Array;
  /** [C, L] */
  information: Float64Array;
}

/** Scores and information of the levels of every id, given the coarse fields and the other ids: backfitting. */
export function fineEffects(
  { scenarios: S, tasks: T, rows: n, scenario, labels }: FlowRows,
  fine: readonly Block[],
  { asked, mass, eta, known }: { asked: Uint8Array; mass: Float64Array; eta: Float64Array; known: readonly boolean[] },
): FineEffect[] {
  const C = S * T;
  const shrunken = fine.map(({ levels }) => new Float64Array(C * levels)); // [C, L] of each field
  const offset = Float64Array.from(eta); // [N,T] logit by the coarse fields and the shrunken effects of all ids
  const found = new Map<Block, FineEffect>();
  const update = (i: number, keep: boolean): number => {
    const block = fine[i];
    const { levels: L, slots, ids, weight } = block;
    const score = new Float64Array(C * L);
    const information = new Float64Array(C * L);
    for (let row = 0; row < n; row++)
      for (let t = 0; t < T; t++) {
        const c = scenario[row] * T + t;
        if (!asked[row * T + t] || !known[c]) continue;
        const p = sigmoid(offset[row * T + t]);
        for (let slot = 0; slot < slots; slot++) {
          const id = ids[row * slots + slot];
          if (id < 0) continue;
          score[c * L + id] += weight[row] * mass[row] * (labels[row * T + t] - p);
          information[c * L + id] += weight[row] * mass[row] * p * (1 - p);
        }
      }
    const before = shrunken[i];
    for (let k = 0; k < score.length; k++) score[k] += information[k] * before[k];
    const fresh = new Float64Array(C * L);
    let gain = 0;
    for (let c = 0; c < C; c++) {
      const [from, to] = [c * L, (c + 1) * L];
      const variance = prior(score.subarray(from, to), information.subarray(from, to));
      for (let k = from; k < to; k++) {
        fresh[k] = (variance * score[k]) / (1 + variance * information[k]);
        gain += fresh[k] * score[k];
      }
    }
    found.set(block, { kind: 'fine', block, score, information });
    if (keep) {
      for (let row = 0; row < n; row++)
        for (let slot = 0; slot < slots; slot++) {
          const id = ids[row * slots + slot];
          if (id < 0) continue;
          for (let t = 0; t < T; t++) {
            const k = (scenario[row] * T + t) * L + id;
            offset[row * T + t] += weight[row] * (fresh[k] - before[k]);
          }
        }
      shrunken[i] = fresh;
    }
    return gain;
  };
  // Each is first estimated alone, which gives their order: those that explain more come first.
  const gains = fine.map((_, i) => update(i, fine.length === 1));
  const order = fine.map((_, i) => i).sort((a, b) => gains[b] - gains[a]);
  if (fine.length > 1) for (let sweep = 0; sweep < 2; sweep++) for (const i of order) update(i, true);
  return fine.map((block) => found.get(block) as FineEffect);
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
