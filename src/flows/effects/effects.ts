/** Stage 1: what each field does in each cell, by an additive logistic model of the cell. */

import { type Blocks, type FlowRows, isAsked, rowMass } from '../rows.ts';
import { type CellOptions, type CoarseEffect, coarseEffects } from './coarse.ts';
import { type FineEffect, fineEffects } from './fine.ts';

export interface EffectOptions extends CellOptions {
  /** A task counts only on rows where the task before it is 1 (click, then purchase). */
  orderedTasks: boolean;
}

export interface Effects {
  fields: (CoarseEffect | FineEffect)[];
  /** [S, T, T] mean product of the standardised residuals of two tasks. */
  correlation: Float64Array;
  /** [C] Has the cell enough positives and negatives? */
  known: boolean[];
}

export function fieldEffects(rows: FlowRows, blocks: Blocks, options: EffectOptions): Effects {
  // [N, T] 1 where a row has a label that counts
  const asked = Uint8Array.from(rows.labels, (_, i) => Number(isAsked(rows, i, options.orderedTasks)));
  const mass = rowMass(rows);
  const coarse = coarseEffects(rows, blocks, asked, mass, options);
  const fine = fineEffects(rows, blocks.fine, { asked, mass, eta: coarse.eta, known: coarse.known });
  return { fields: [...coarse.fields, ...fine], correlation: coarse.correlation, known: coarse.known };
}
