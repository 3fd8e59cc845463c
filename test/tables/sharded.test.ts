/** Tables whose rows lie on several ranks: every operation gives the bits of one memory, whoever owns what. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import type { Collective } from '../../src/comm/contract.ts';
import { runRanks } from '../../src/comm/memory.ts';
import { plainKernels as kernels } from '../../src/kernels/plain.ts';
import type { TablePart, TableSizes, TableStep, TableStore } from '../../src/tables/contract.ts';
import { oneMemory, tableBytes } from '../../src/tables/one-memory.ts';
import { rowsOwned } from '../../src/tables/owners.ts';
import { severalMemories } from '../../src/tables/several-memories.ts';
import { ownSizes, shardedTables } from '../../src/tables/sharded.ts';
import { sumAtOwners } from '../../src/train/ranks/row-exchange.ts';
import { distribute, isOwned, streamOf } from '../../src/train/ranks/shards.ts';

const D = 3;
const FIELDS = [
  { slot: 0, slots: 1, pooling: 'mean' as const, padding: 0 },
  { slot: 1, slots: 3, pooling: 'mean' as const, padding: 2 },
];
const SLOTS = 4;
const STEP: TableStep = {
  optimizer: 'adam',
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  l2: 1e-3,
  weightDecay: 0,
  step: 1,
  gradientScale: 0.5,
};

const PARTS: TablePart[] = ['embedding', 'gateEmbedding', 'firstMoment', 'secondMoment'];
const sizesOf = (rows: number, dense: boolean): TableSizes => ({
  rows,
  dimension: D,
  gateTable: true,
  moments: 2,
  updates: { dense, optimizer: 'adam', batchRows: Math.min(rows, 64) },
});

const numbersOf = (tables: TableStore, part: TablePart): number[] =>
  tables.parts(part).flatMap(({ view }) => [...view]);

/** Gathers the rows of ids [B, slots], and takes a step with gradients [B, F D]. */
interface Use {
  ids: Int32Array;
  gradient: Float32Array;
}

function workspace(B: number, stamps: number) {
  const arena = kernels.createArena(1 << 18);
  const uses = B * SLOTS;
  return {
    arena,
    ids: arena.ints(uses),
    out: arena.floats(B * FIELDS.length * D),
    gradient: arena.floats(B * FIELDS.length * D),
    unique: arena.ints(256),
    summed: arena.floats(256 * D),
    stamps: arena.ints(stamps),
    received: { ids: arena.ints(256), gradients: arena.floats(256 * D) },
  };
}

/** The ranks, each with its rows of a table and its batch: what each gathered, and all parts of its store. */
function overRanks(
  size: number,
  sizes: TableSizes,
  initial: Float32Array,
  uses: readonly Use[],
  rowsPerMemory?: number,
) {
  return runRanks(size, async (ranks) => {
    const { ids, gradient } = uses[ranks.rank];
    const B = ids.length / SLOTS;
    const at = workspace(B, Math.max(256, sizes.rows));
    const tables = open(ranks, sizes, at.arena, rowsPerMemory);
    const own = rowsOwned(sizes.rows, ranks);
    for (let row = 0; row < own; row++)
      for (const part of ['embedding', 'gateEmbedding'] as const) {
        const id = row * size + ranks.rank;
        tables.row(part, id).set(initial.subarray(id * D, (id + 1) * D));
      }
    at.ids.view.set(ids);
    at.gradient.view.set(gradient);
    const request = { ids: at.ids, rows: B, slots: SLOTS, fields: FIELDS, out: at.out };
    await tables.gather('embedding', [request]);
    const positions = FIELDS.map((field) => ({ ...field, padding: -1 }));
    const count = kernels.scatterUnique({ ...at, ...request, fields: positions, dimension: D });
    const shards = tables.shards as NonNullable<TableStore['shards']>;
    const sums = await sumAtOwners(shards, kernels, at, at.received, count, D);
    tables.update({ ...at, count: sums }, STEP);
    return { gathered: [...at.out.view], parts: PARTS.map((part) => numbersOf(tables, part)) };
  });
}

function open(ranks: Collective, sizes: TableSizes, arena: ReturnType<typeof kernels.createArena>, perMemory?: number) {
  const own = ownSizes(sizes, ranks);
  const store =
    perMemory === undefined
      ? oneMemory(kernels, kernels.createArena(tableBytes(own)), own)
      : severalMemories(kernels, own, perMemory);
  return shardedTables(kernels, arena, store, sizes.rows, { ranks, rowsAtOnce: 64 });
}

/** The same on one rank with all rows; gradients of equal rows are added up by rank first, as ranks do. */
function alone(sizes: TableSizes, initial: Float32Array, uses: readonly Use[]) {
  const arena = kernels.createArena(tableBytes(sizes));
  const tables = oneMemory(kernels, arena, sizes);
  for (const part of ['embedding', 'gateEmbedding'] as const) tables.parts(part)[0].view.set(initial);
  const all = workspace(1, sizes.rows);
  let arrived = 0;
  const gathered = uses.map(({ ids, gradient }) => {
    const B = ids.length / SLOTS;
    const at = workspace(B, sizes.rows);
    at.ids.view.set(ids);
    at.gradient.view.set(gradient);
    const request = { ids: at.ids, rows: B, slots: SLOTS, fields: FIELDS, out: at.out };
    tables.gather('embedding', [request]);
    const count = kernels.scatterUnique({ ...at, ...request, dimension: D });
    for (let u = 0; u < count; u++) {
      all.received.ids.view[arrived] = at.unique.view[u];
      all.received.gradients.view.set(at.summed.view.subarray(u * D, (u + 1) * D), arrived++ * D);
    }
    return [...at.out.view];
  });
  const one = [{ slot: 0, slots: 1, pooling: 'sum' as const, padding: -1 }];
  const { ids, gradients: gradient } = all.received;
  const count = kernels.scatterUnique({ ...all, ids, gradient, rows: arrived, slots: 1, fields: one, dimension: D });
  tables.update({ ...all, count }, STEP);
  return { gathered, parts: PARTS.map((part) => numbersOf(tables, part)) };
}

/** Which ids the rows of a batch have. */
const DRAWS: Record<string, (row: number, rows: number, size: number) => number> = {
  any: (draw, rows) => draw % rows,
  'of one owner': (draw, rows, size) => ((draw * size) % Math.max(size, rows - (rows % size))) % rows,
  'one row': () => 0,
};

test('rows on several ranks have the bits of one memory: few rows, ranks without rows or ids, ids of one owner, equal ids', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 5, maxLength: 5 }),
      fc.constantFrom(...Object.keys(DRAWS)),
      fc.boolean(),
      fc.constantFrom(undefined, 1, 4),
      fc.nat(),
      async (size, rows, batches, draw, dense, rowsPerMemory, seed) => {
        const generator = random('sharded', seed);
        const normal = (length: number) => Float32Array.from({ length }, () => generator.normal());
        const initial = normal(rows * D);
        const uses = batches.slice(0, size).map((B): Use => {
          const ids = Int32Array.from({ length: B * SLOTS }, () => DRAWS[draw](generator.below(1000), rows, size));
          return { ids, gradient: normal(B * FIELDS.length * D) };
        });
        const sizes = sizesOf(rows, dense);
        const found = await overRanks(size, sizes, initial, uses, rowsPerMemory);
        const expected = alone(sizes, initial, uses);
        expect(found.map(({ gathered }) => gathered)).toEqual(expected.gathered);
        PARTS.forEach((part, p) => {
          const whole = Array.from({ length: rows * D }, (_, i) => {
            const row = Math.floor(i / D);
            return found[row % size].parts[p][Math.floor(row / size) * D + (i % D)];
          });
          expect(whole, part).toEqual(expected.parts[p]);
        });
      },
    ),
    { numRuns: 40 },
  );
});

test('an id outside the table is an error on the rank that has it', async () => {
  for (const id of [7, -1, 2 ** 31 - 1]) {
    const uses = [
      { ids: new Int32Array(SLOTS).fill(1), gradient: new Float32Array(2 * D) },
      { ids: Int32Array.of(1, 1, id, 1), gradient: new Float32Array(2 * D) },
    ];
    await expect(overRanks(2, sizesOf(7, false), new Float32Array(7 * D), uses)).rejects.toThrow(
      `id ${id} at position 2 of the ids is not a row of a table of 7 rows`,
    );
  }
});

test('rank 0 writes and reads whole tensors, piece by piece', async () => {
  const [rows, size] = [11, 3];
  const found = await runRanks(size, async (ranks) => {
    const own = rowsOwned(rows, ranks);
    const mine = Float32Array.from(
      { length: own * D },
      (_, i) => (Math.floor(i / D) * size + ranks.rank) * D + (i % D),
    );
    const tensor = { shape: [rows, D], parts: [mine.subarray(0, D), mine.subarray(D)], ownedWidth: D };
    if (!isOwned(tensor) || own < 2) throw new Error('unexpected');
    const even = { ...tensor, parts: [mine] };
    const pieces: number[][] = [];
    for await (const piece of streamOf(ranks, even, 4 * D * 4).pieces()) pieces.push([...(piece as Float32Array)]);
    const stored = { dtype: 'F32' as const, shape: [rows, D], data: Float32Array.from(pieces.flat(), (x) => -x) };
    await distribute(ranks, even, ranks.rank === 0 ? stored : undefined, 4 * D * 3);
    expect([...mine].every((x, i) => x === -((Math.floor(i / D) * size + ranks.rank) * D + (i % D)))).toBe(true);
    await distribute(ranks, even, undefined);
    return pieces;
  });
  expect(found[0].map(({ length }) => length)).toEqual([4 * D, 4 * D, 3 * D]);
  expect(found[0].flat()).toEqual(Array.from({ length: rows * D }, (_, i) => i));
  expect(found.slice(1).flat(2)).toEqual([]);
});

test('rows beyond what 31 bits of bytes hold keep their owner and their place', () => {
  for (const rows of [2 ** 31 - 1, 2 ** 30 + 3])
    for (const size of [1, 2, 7, 64]) {
      const owned = Array.from({ length: size }, (_, rank) => rowsOwned(rows, { rank, size }));
      expect(owned.reduce((sum, n) => sum + n)).toBe(rows);
      expect(owned[(rows - 1) % size]).toBe(Math.floor((rows - 1) / size) + 1);
    }
});
