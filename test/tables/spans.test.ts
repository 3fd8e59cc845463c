/** Consecutive rows of a table on several ranks, as rank 0 writes and reads them, in arrays of any size. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runRanks } from '../../src/comm/memory.ts';
import { rowsOwned } from '../../src/tables/owners.ts';
import { spanMover } from '../../src/tables/spans.ts';

/** Arrays of `inArray` rows, the last one of what is left. */
function cut(all: Int32Array, inArray: number, width: number): Int32Array[] {
  const arrays: Int32Array[] = [];
  for (let at = 0; at < all.length; at += inArray * width) arrays.push(all.subarray(at, at + inArray * width));
  return arrays;
}

test('rank 0 gets rows in their order, and gives each rank its own: nothing else changes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        size: fc.integer({ min: 1, max: 5 }),
        width: fc.integer({ min: 1, max: 3 }),
        inArray: fc.integer({ min: 1, max: 6 }),
        rows: fc.integer({ min: 0, max: 30 }),
        ends: fc.tuple(fc.nat(30), fc.nat(30)),
      }),
      async ({ size, width, inArray, rows, ends }) => {
        const [from, to] = ends.map((end) => Math.min(end, rows)).toSorted((a, b) => a - b);
        const number = (row: number, d: number): number => 100 * row + d;
        const inOrder = Array.from({ length: (to - from) * width }, (_, i) =>
          number(from + Math.floor(i / width), i % width),
        );
        await runRanks(size, async (ranks) => {
          const none = new Int32Array(0);
          const all = Int32Array.from({ length: rowsOwned(rows, ranks) * width }, (_, i) =>
            number(Math.floor(i / width) * size + ranks.rank, i % width),
          );
          const owned = { arrays: cut(all, inArray, width), width };
          const mover = spanMover(ranks, owned, none);
          await mover.collect({ from: 0, to: rows }); // leaves numbers in its room
          const found = await mover.collect({ from, to });
          expect([...found]).toEqual(ranks.rank === 0 ? inOrder : []);

          const given = ranks.rank === 0 ? inOrder.map((x) => -x - 1) : [];
          await mover.deal({ from, to }, given);
          all.forEach((x, i) => {
            const row = Math.floor(i / width) * size + ranks.rank;
            const before = number(row, i % width);
            expect(x).toBe(from <= row && row < to ? -before - 1 : before);
          });
        });
      },
    ),
  );
});
