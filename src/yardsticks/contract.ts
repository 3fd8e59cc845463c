/** What a model must beat: simple predictors that need no choice of options. */
import type { FieldRows } from './rows.ts';

export const YARDSTICKS = ['priors', 'logistic', 'trees'] as const;
export type YardstickKey = (typeof YARDSTICKS)[number];

/** A fitted yardstick. */
export interface Yardstick {
  key: YardstickKey;
  /** [size, T] of a batch of prepared rows. */
  logits(rows: FieldRows): Float32Array;
}
