/** Initial weights of a training. */
import { type Random, random } from '../../base/random.ts';
import { bufferViews, view, type Weights } from '../../inference/arena/weights.ts';
import type { Initializer } from '../../model/contract.ts';
import type { Shards, TableStore } from '../../tables/contract.ts';

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
  const { tables } = weights;
  const generator = random('initialize', seed, 'table');
  const { rank, size } = tables.shards ?? { rank: 0, size: 1 };
  if (size === 1) for (const { view: numbers } of tables.parts('embedding')) drawAll(numbers, start, generator);
  else drawRows(tables, start, generator);
  for (const { from, to } of zero)
    for (let row = from; row < to; row++) if (row % size === rank) tables.row('embedding', row).fill(0);
}

/** Draws all rows, and keeps those that are here. */
function drawRows(tables: TableStore, start: Initializer, generator: Random): void {
  const { rank, size } = tables.shards as Shards;
  const numbers = new Float32Array(tables.dimension);
  for (let row = 0; row < tables.rows; row++) {
    drawAll(numbers, start, generator);
    if (row % size === rank) tables.row('embedding', row).set(numbers);
  }
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
  drawAll(target, initializer, random('initialize', seed, name));
}

function drawAll(target: Float32Array, initializer: Initializer, generator: Random): void {
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
  const { tables, denseMoments } = weights;
  const ofTables = [...tables.parts('firstMoment'), ...tables.parts('secondMoment')];
  for (const moment of [...denseMoments, ...ofTables]) moment.view.fill(0);
}
