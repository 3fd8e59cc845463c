import fc from 'fast-check';
import { expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { compile, Graph } from '../../src/graph/index.ts';
import { rowLayout } from '../../src/inference/arena/inputs.ts';
import { embedRows } from '../../src/inference/graphs/embed-rows.ts';
import { loadKernels } from '../../src/kernels/index.ts';
import { findModel } from '../../src/model/registry.ts';
import { createSession } from '../../src/runtime/session.ts';
import { bits, floats, ints, normals } from '../kernels/helpers.ts';
import { CASES } from '../model/every-case.ts';
import { agreesWithTraining, keepsItsBits } from './laws.ts';
import { servedOf } from './served.ts';

for (const [key, { cases }] of Object.entries(CASES)) {
  const served = servedOf(findModel(key), cases[0].options, cases[0].sizes);
  test(`${key} serves what training's graph gives`, () => agreesWithTraining(served));
  const paired = servedOf(findModel(key), { ...cases[0].options, pairs: true }, cases[0].sizes);
  test(`${key} with pairs serves what training's graph gives`, () => agreesWithTraining(paired));
  test(`${key} with pairs gives a row the same bits in any batch`, () => keepsItsBits(paired, [1, 3, 33]));
  test(`${key} gives a row the same bits in any batch`, () => keepsItsBits(served, [1, 3, 33]));
}

const IDS = 6;

test('rows are embedded to the bits of the kernels, padding at any place', async () => {
  const kernels = await loadKernels();
  const arena = kernels.createArena(1 << 20);
  const field = fc.record({
    slots: fc.integer({ min: 1, max: 9 }),
    pooling: fc.constantFrom<'mean' | 'sum'>('mean', 'sum'),
  });
  const cases = fc.record({
    list: fc.array(field, { minLength: 1, maxLength: 4 }),
    rows: fc.integer({ min: 1, max: 9 }),
    dimension: fc.integer({ min: 1, max: 9 }),
    seed: fc.nat(),
  });
  const property = fc.asyncProperty(cases, async ({ list, rows, dimension, seed }) => {
    const fields = list.map((one, f) => ({ ...one, name: `${f}`, kind: 'multi' as const, offset: IDS * f, size: IDS }));
    const layout = rowLayout(fields, dimension);
    const values = normals(IDS * fields.length * dimension, seed).map((value, i) =>
      Math.floor(i / dimension) % IDS === 0 ? 0 : value,
    );
    const generator = random('ids', seed);
    const slots = fields.flatMap(({ slots, offset }) => new Array<number>(slots).fill(offset));
    const given = Array.from({ length: rows }, () => slots.map((offset) => offset + generator.below(IDS))).flat();
    const [table, ids] = [floats(arena, values), ints(arena, given)];
    const out = arena.floats(rows * fields.length * dimension);
    kernels.gather({ ids, rows, slots: layout.slots, fields: layout.fields, table, dimension, out });

    const graph = new Graph();
    const embedding = embedRows(
      graph.input('ids', ['B', layout.slots], 'int32'),
      graph.input('table', [IDS * fields.length, dimension]),
      fields,
    );
    const session = await createSession(compile({ embedding }).bytes, { threads: 1 });
    const found = await session.run({
      ids: { type: 'int32', shape: [rows, layout.slots], data: ids.view },
      table: { type: 'float32', shape: [IDS * fields.length, dimension], data: table.view },
    });
    await session.release();
    expect(bits(found.embedding.data as Float32Array)).toEqual(bits(out.view));
  });
  await fc.assert(property, { numRuns: 40, seed: 3 });
});
