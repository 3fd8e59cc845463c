import { describe, expect, test, vi } from 'vitest';
import { loadKernels, regionBytes } from '../../src/kernels/index.ts';
import { floats, ints, layoutOf, named } from './helpers.ts';

describe.each(named)('$name', ({ kernels }) => {
  test('regions are zeroed, 64-byte aligned and apart; their sizes add up to the arena', () => {
    const arena = kernels.createArena(regionBytes(5) + regionBytes(17) + regionBytes(0));
    const a = arena.floats(5);
    const b = arena.ints(17);
    expect([a.byteOffset % 64, b.byteOffset % 64]).toEqual([0, 0]);
    expect([...a.view, ...b.view].every((x) => x === 0)).toBe(true);
    a.view.fill(1);
    expect(b.view.every((x) => x === 0)).toBe(true);
    expect(a.view.byteOffset).toBe(a.byteOffset);
  });

  test('a full arena says how much was left and asked for', () => {
    const arena = kernels.createArena(2 ** 16);
    arena.floats(2 ** 14 - 16);
    expect(() => arena.floats(17)).toThrow('the arena of 65536 bytes has 64 left; 128 were requested');
  });

  test('more than one memory can hold is refused with advice', () => {
    expect(() => kernels.createArena(5 * 2 ** 30)).toThrow(
      expect.objectContaining({ code: 'MEMORY_TOO_LARGE', message: expect.stringContaining('train.batchSize') }),
    );
  });
});

test('wasm: addresses beyond 2 GiB are read and written', async () => {
  const kernels = await loadKernels('wasm');
  const arena = kernels.createArena(3 * 2 ** 30 + 2 ** 20); // untouched pages cost nothing
  const tableRows = 2 ** 27;
  const dimension = 6;
  const table = arena.floats(tableRows * dimension); // 3 GiB
  const ids = ints(arena, [tableRows - 1, 1, tableRows - 2]);
  const out = arena.floats(3 * dimension);
  expect(ids.byteOffset).toBeGreaterThan(2 ** 31);
  const last = [1, 2, 3, 4, 5, 6];
  table.view.set(last, (tableRows - 1) * dimension);
  kernels.gather({ ids, rows: 3, slots: 1, fields: layoutOf([{ slots: 1 }]), table, dimension, out });
  expect([...out.view]).toEqual([...last, ...Array(12).fill(0)]);

  const summed = floats(arena, [1, 1, 1, 1, 1, 1]);
  const step = { learningRate: 1, l2: 0, gradientScale: 1 };
  kernels.sgdRows({ table, dimension, unique: ids, count: 1, summed }, step);
  expect([...table.view.subarray(-dimension)]).toEqual([0, 1, 2, 3, 4, 5]);
  expect(kernels.largest(table, tableRows * dimension - 3, tableRows * dimension)).toBe(5);
});

test('wasm refuses regions that it does not own or that are too small', async () => {
  const [kernels, other] = [await loadKernels('wasm'), await loadKernels('plain')];
  const region = other.createArena(64).floats(4);
  expect(() => kernels.sumOfSquares(region, 0, 4)).toThrow(RangeError);
  const own = kernels.createArena(64).floats(4);
  expect(() => kernels.sumOfSquares(own, 0, 5)).toThrow('a region has 4 elements; the kernel needs 5');
});

test('wasm is the default; without WebAssembly the plain kernels take its place, unless wasm was asked for', async () => {
  expect((await loadKernels()).name).toBe('wasm');
  vi.stubGlobal('WebAssembly', undefined);
  expect((await loadKernels()).name).toBe('plain');
  await expect(loadKernels('wasm')).rejects.toThrow(expect.objectContaining({ code: 'KERNELS_UNSUPPORTED' }));
  vi.unstubAllGlobals();
});
