/** Rows of tables over several memories: every operation gives the bits of one memory, and what does not fit is refused beforehand. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { type Arena, type Kernels, loadKernels, type Region } from '../../src/kernels/index.ts';
import { plainKernels } from '../../src/kernels/plain.ts';
import type { TablePart, TableSizes, TableStep, TableStore } from '../../src/tables/contract.ts';
import { oneMemory, tableBytes } from '../../src/tables/one-memory.ts';
import { freezeTable, planTables } from '../../src/tables/open.ts';
import { memoryBytes, severalMemories } from '../../src/tables/several-memories.ts';

const PARTS: TablePart[] = ['embedding', 'gateEmbedding', 'firstMoment', 'secondMoment'];
const ADAM = { learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, l2: 1e-3, weightDecay: 0.01 };
const FIELDS = [
  { slot: 0, slots: 1, pooling: 'mean' as const, padding: 0 },
  { slot: 1, slots: 3, pooling: 'mean' as const, padding: 0 },
  { slot: 4, slots: 2, pooling: 'sum' as const, padding: -1 },
];
const SLOTS = 6;

let wasm: Kernels;
beforeAll(async () => {
  wasm = await loadKernels();
});

const numbersOf = (tables: TableStore, part: TablePart): number[] =>
  tables.parts(part).flatMap(({ view }) => [...view]);

/** Takes steps on a store: gathers the rows of a batch, updates them, and lets some decay. Returns all that it has and gave. */
function use(
  kernels: Kernels,
  { rows, dimension: D, moments }: TableSizes,
  seed: number,
  open: (arena: Arena) => TableStore,
) {
  const arena = kernels.createArena(1 << 20);
  const tables = open(arena);
  const generator = random('tables', seed);
  for (const { view } of tables.parts('embedding')) for (let i = 0; i < view.length; i++) view[i] = generator.normal();
  freezeTable(tables);
  const B = 5;
  const [ids, out, gradient] = [arena.ints(B * SLOTS), arena.floats(B * 3 * D), arena.floats(B * 3 * D)];
  const [stamps, unique, summed] = [arena.ints(rows), arena.ints(B * SLOTS), arena.floats(B * SLOTS * D)];
  const gathered: number[] = [];
  for (let step = 1; step <= 4; step++) {
    for (let i = 0; i < ids.view.length; i++) ids.view[i] = generator.below(rows);
    for (let i = 0; i < gradient.view.length; i++) gradient.view[i] = generator.normal();
    const batch = { ids, rows: B, slots: SLOTS, fields: FIELDS };
    for (const table of ['embedding', 'gateEmbedding'] as const) {
      tables.gather(table, [{ ...batch, out }]);
      gathered.push(...out.view);
    }
    const count = kernels.scatterUnique({ ...batch, gradient, dimension: D, stamps, unique, summed });
    tables.update({ unique, count, summed, stamps }, stepOf(moments, step));
    tables.scale(generator.below(rows), 0.75);
    tables.row('embedding', generator.below(rows)).fill(step);
    expect(stamps.view.every((stamp) => stamp === 0)).toBe(true);
  }
  return { gathered, ...Object.fromEntries(PARTS.map((part) => [part, numbersOf(tables, part)])) };
}

const stepOf = (moments: 0 | 1 | 2, step: number): TableStep =>
  moments === 2
    ? { optimizer: 'adam', ...ADAM, step, gradientScale: 0.5 }
    : { optimizer: 'sgd', learningRate: 0.1, momentum: moments * 0.9, l2: 0.01, gradientScale: 0.5 };

test('tables in several memories have the bits of one, whatever their sizes, optimiser and updates', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 70 }),
      fc.constantFrom(1, 3, 4, 9),
      fc.constantFrom(1, 2, 8, 32, 128),
      fc.constantFrom<0 | 1 | 2>(0, 1, 2),
      fc.boolean(),
      fc.constantFrom<'wasm' | 'plain'>('wasm', 'plain'),
      fc.nat(),
      (rows, dimension, rowsPerMemory, moments, dense, name, seed) => {
        const kernels = name === 'wasm' ? wasm : plainKernels;
        const updates = { dense, optimizer: moments === 2 ? 'adam' : 'sgd', batchRows: 5 * SLOTS } as const;
        const sizes: TableSizes = { rows, dimension, gateTable: true, moments, updates };
        const several = severalMemories(kernels, sizes, rowsPerMemory);
        expect(several.memories).toBe(Math.ceil(rows / rowsPerMemory));
        const found = use(kernels, sizes, seed, () => several);
        expect(found).toEqual(use(kernels, sizes, seed, (arena) => oneMemory(kernels, arena, sizes)));
      },
    ),
    { numRuns: 60 },
  );
});

test('a lazy update takes more rows than a memory takes at a time', () => {
  const rows = 40_000;
  const updates = { dense: false, optimizer: 'sgd', batchRows: rows } as const;
  const sizes: TableSizes = { rows, dimension: 1, gateTable: false, moments: 0, updates };
  const tables = severalMemories(wasm, sizes, 32_768);
  const arena = wasm.createArena(1 << 20);
  const [unique, summed, stamps] = [arena.ints(rows), arena.floats(rows), arena.ints(rows)];
  for (let row = 0; row < rows; row++) {
    unique.view[row] = rows - 1 - row;
    summed.view[row] = row;
  }
  const step = { optimizer: 'sgd', learningRate: 1, momentum: 0, l2: 0, gradientScale: 1 } as const;
  tables.update({ unique, count: rows, summed, stamps }, step);
  expect(numbersOf(tables, 'embedding').every((value, row) => value === row - (rows - 1))).toBe(true);
});

test('an id outside the table is an error that names it', () => {
  const sizes: TableSizes = { rows: 10, dimension: 2, gateTable: false, moments: 0 };
  const tables = severalMemories(plainKernels, sizes, 4);
  const arena = plainKernels.createArena(1024);
  const [ids, out]: [Region<Int32Array>, Region] = [arena.ints(1), arena.floats(2)];
  const fields = [{ slot: 0, slots: 1, pooling: 'mean' as const, padding: 0 }];
  for (const id of [10, -1, 2 ** 31 - 1]) {
    ids.view[0] = id;
    expect(() => tables.gather('embedding', [{ ids, rows: 1, slots: 1, fields, out }])).toThrow(
      `id ${id} at position 0 of the ids is not a row of a table of 10 rows`,
    );
  }
});

test('tables leave the arena exactly where they do not fit, and each memory stays below the limit', () => {
  const updates = { dense: true, optimizer: 'adam', batchRows: 1000 } as const;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 22, max: 28 }),
      (rows, dimension, exponent) => {
        const sizes: TableSizes = { rows, dimension, gateTable: true, moments: 2, updates };
        const limits = { memory: 2 ** exponent, machine: 2 ** 40 };
        const { inArena, rowsPerMemory } = planTables(sizes, 1 << 20, limits);
        const fits = tableBytes(sizes) + (1 << 20) + 2 * 65_536 <= limits.memory;
        expect(inArena).toBe(fits ? tableBytes(sizes) : 0);
        expect(rowsPerMemory === undefined).toBe(fits);
        if (rowsPerMemory === undefined) return;
        expect(Number.isInteger(Math.log2(rowsPerMemory))).toBe(true);
        expect(memoryBytes(sizes, Math.min(rows, rowsPerMemory))).toBeLessThan(limits.memory);
        expect(memoryBytes(sizes, 2 * rowsPerMemory)).toBeGreaterThan(limits.memory - 3 * 65_536);
      },
    ),
  );
});

test('a table beyond the memory of the machine is refused before any is taken: TABLES_TOO_LARGE says how much is missing', () => {
  const updates = { dense: false, optimizer: 'adam', batchRows: 1000 } as const;
  const sizes: TableSizes = { rows: 50_000_000, dimension: 16, gateTable: false, moments: 2, updates };
  const plan = () => planTables(sizes, 2 ** 30, { machine: 8 * 2 ** 30 });
  expect(plan).toThrow(expect.objectContaining({ code: 'TABLES_TOO_LARGE' }));
  expect(plan).toThrow(
    'an embedding table of 50000000 rows x 16 with optimiser state needs 8.94 GiB, and all else 1.00 GiB: 1.94 GiB more than the 8.00 GiB',
  );
});
