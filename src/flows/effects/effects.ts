/** Stage 1: what each field does in each cell, by an additive logistic model of the cell. */
import type { FlowSource } from '../rows.ts';
import { type BlockOptions, survey } from '../survey.ts';
import type { CellOptions } from './cells.ts';
import { type CoarseEffect, coarseEffects } from './coarse.ts';
import { type FineEffect, fineEffects } from './fine.ts';
import { Passes, type PassOptions } from './passes.ts';

export interface EffectOptions extends CellOptions, BlockOptions, PassOptions {}

export interface Effects {
  fields: (CoarseEffect | FineEffect)[];
  /** [S, T, T] mean product of the standardised residuals of two tasks. */
  correlation: Float64Array;
  /** [C] Has the cell enough positives and negatives? */
  known: boolean[];
}

export async function fieldEffects(source: FlowSource, options: EffectOptions): Promise<Effects> {
  const found = await survey(source, options);
  const passes = new Passes(source, found, options);
  const { fields, coefficients, correlation } = await coarseEffects(passes, found.blocks, options);
  const fine = await fineEffects(passes, found.blocks.fine, coefficients);
  return { fields: [...fields, ...fine], correlation, known: coefficients.map((b) => b !== undefined) };
}
