/** Initial weights of a training. */
import { random } from '../../base/random.ts';
import { bufferViews, view, type Weights } from '../../inference/arena/weights.ts';
import type { Initializer } from '../../model/contract.ts';

/**
 * Initialises every parameter and the table. Each has its own random stream, so a new parameter changes no other.
 * `dimension`: size of an embedding; a table row may hold several embeddings.
 */
export function initialize(
  weights: Weights,
  tableRows: number,
  dimension: number,
  seed: number,
  { deviation, zero = [] }: TableStart = {},
): void {
  for (const spec of weights.specs) fill(view(weights, spec.name), spec.initializer, seed, spec.name);
  for (const [{ initial }, numbers] of bufferViews(weights)) numbers.fill(initial);
  const start =
    deviation === undefined ? tableInitializer(tableRows, dimension) : ({ kind: 'normal', deviation } as const);
  fill(weights.table.view, start, seed, 'table');
  const D = weights.dimension;
  for (const { from, to } of zero) weights.table.view.fill(0, from * D, to * D);
}

interface TableStart {
  /** Standard deviation of the table's numbers. Default: `tableInitializer`. */
  deviation?: number;
  /** Rows [from, to) that start at 0. */
  zero?: readonly { from: number; to: number }[];
}

/** Xavier uniform on [V, D], as in the code of AutoIFS' authors: the bound shrinks as the vocabulary grows. */
const tableInitializer = (tableRows: number, dimension: number): Initializer => ({
  kind: 'uniform',
  bound: Math.sqrt(6 / (tableRows + dimension)),
});

function fill(target: Float32Array, initializer: Initializer, seed: number, name: string): void {
  const generator = random('initialize', seed, name);
  for (let i = 0; i < target.length; i++) target[i] = draw(initializer, generator);
}

/** One sample of an initial distribution. */
export function draw(initializer: Initializer, generator: { uniform(): number; normal(): number }): number {
  switch (initializer.kind) {
    case 'zeros':
      return 0;
    case 'ones':
      return 1;
    case 'uniform':
      return (2 * generator.uniform() - 1) * initializer.bound;
    case 'normal':
      return generator.normal() * initializer.deviation;
  }
}

/** Zeroes the optimiser's moments. */
export function clearMoments(weights: Weights): void {
  for (const moment of [...weights.denseMoments, ...weights.tableMoments]) moment.view.fill(0);
}
