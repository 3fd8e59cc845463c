/** Isotonic calibration: the rising function of the logit that fits the labels best. */
import type { Calibration } from '../../documents/artifact.ts';

/** Rows of one scenario and task: labels are 0 or 1. */
export interface Labelled {
  logits: Float32Array;
  labels: Uint8Array;
  /** How many rows each stands for. */
  weights: Float32Array;
}

/** Rows with neighbouring logits that share a fitted value. */
export interface Block {
  /** Mean logit, by weight. */
  x: number;
  /** Share of positives, by weight: rises from block to block. */
  y: number;
  /** Sum of the weights. */
  rows: number;
}

/**
 * Pool adjacent violators (Barlow et al., 1972; Zadrozny and Elkan, 2002): rows in order of their logit, equal logits
 * together; blocks that do not rise are merged until all do. Minimises both the squared error and the log loss among all
 * nondecreasing functions.
 */
export function poolAdjacentViolators({ logits, labels, weights }: Labelled): Block[] {
  const order = Uint32Array.from(logits.keys()).sort((a, b) => logits[a] - logits[b]);
  const blocks: { logits: number; positives: number; rows: number }[] = [];
  const share = (block: { positives: number; rows: number }): number => block.positives / block.rows;
  for (let i = 0; i < order.length; ) {
    const block = { logits: 0, positives: 0, rows: 0 };
    for (const logit = logits[order[i]]; i < order.length && logits[order[i]] === logit; i++) {
      const weight = weights[order[i]];
      block.logits += weight * logit;
      block.positives += weight * labels[order[i]];
      block.rows += weight;
    }
    for (let last = blocks.at(-1); last !== undefined && share(last) >= share(block); last = blocks.at(-1)) {
      block.logits += last.logits;
      block.positives += last.positives;
      block.rows += last.rows;
      blocks.pop();
    }
    blocks.push(block);
  }
  return blocks.map((block) => ({ x: block.logits / block.rows, y: share(block), rows: block.rows }));
}

/**
 * Connects the block means by lines, because steps would tie rows that the model ranks differently. No value is 0 or 1: values stay
 * between 1/(n+2) and (n+1)/(n+2) (Laplace's rule), where n is the sum of all weights.
 */
export function fitIsotonic(rows: Labelled): Calibration {
  const blocks = poolAdjacentViolators(rows);
  const min = 1 / (rows.weights.reduce((sum, weight) => sum + weight, 0) + 2);
  const within = blocks.map(({ x, y }) => ({ x, y: Math.min(Math.max(y, min), 1 - min) }));
  return { kind: 'isotonic', x: within.map(({ x }) => x), y: within.map(({ y }) => y) };
}
