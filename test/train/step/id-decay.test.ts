/** Decay of id embeddings, without a training around it. */
import { expect, test } from 'vitest';
import { random } from '../../../src/base/random.ts';
import type { TableStore } from '../../../src/tables/contract.ts';
import { type DecayedField, IdDecay } from '../../../src/train/step/id-decay.ts';
import { openTable } from '../../tables/support.ts';

const DIMENSION = 3;
const ROWS = 12;
const SLOTS = 4;
/** Rows 2 to 6 in slot 1, rows 7 to 11 in slots 2 and 3 and in sequences. */
const FIELDS: DecayedField[] = [
  { from: 2, to: 7, slot: 1, slots: 1, sequences: false, decay: 8 },
  { from: 7, to: 12, slot: 2, slots: 2, sequences: true, decay: 0.5 },
];
const LAYOUT = { fields: [], slots: SLOTS, dimension: DIMENSION };

function table(): TableStore {
  const generator = random('decay', 1);
  const tables = openTable(ROWS, DIMENSION);
  const [{ view }] = tables.parts('embedding');
  for (let i = 0; i < view.length; i++) view[i] = generator.normal();
  return tables;
}

const numbersOf = (tables: TableStore): Float32Array => tables.parts('embedding')[0].view;

/** Batches of two rows that read some ids, and a rate for each step. */
const STEPS = Array.from({ length: 40 }, (_, i) => {
  const generator = random('batch', i);
  const id = (from: number): number => from + generator.below(5);
  const ids = Int32Array.from([0, 1].flatMap(() => [generator.below(2), id(2), id(7), id(7)]));
  return { batch: { size: 2, ids, sequences: Int32Array.of(id(7)) }, rate: 0.01 * generator.uniform() };
});

/** The table after the steps, a step being: settle, add 0.1 to the rows of the batch, decay. */
function after(steps: typeof STEPS, tables: TableStore, decay: IdDecay): Float32Array {
  for (const { batch, rate } of steps) {
    decay.settleRows(batch);
    for (const id of new Set(batch.ids))
      for (let d = 0; d < DIMENSION; d++) numbersOf(tables)[id * DIMENSION + d] += 0.1;
    decay.advance(rate);
  }
  return numbersOf(tables);
}

const opened = (tableUpdates: 'lazy' | 'dense') => {
  const tables = table();
  return { tables, decay: new IdDecay(tables, LAYOUT, FIELDS, tableUpdates) };
};

test('a row shrinks by 1 - rate * decay at every step, whether a batch has it or not', () => {
  const { tables, decay } = opened('lazy');
  const before = numbersOf(tables).slice();
  decay.advance(0.01);
  decay.advance(0.02);
  decay.settleAll();
  const kept = (row: number): number => (row < 2 ? 1 : row < 7 ? 0.92 * 0.84 : 0.995 * 0.99);
  numbersOf(tables).forEach((value, i) => {
    expect(value).toBeCloseTo(before[i] * kept(Math.floor(i / DIMENSION)), 6);
  });
});

test('idle rows of a lazy table catch up with those of a dense one', () => {
  const [lazy, dense] = [opened('lazy'), opened('dense')];
  after(STEPS, lazy.tables, lazy.decay);
  lazy.decay.settleAll();
  const expected = after(STEPS, dense.tables, dense.decay);
  numbersOf(lazy.tables).forEach((value, i) => {
    expect(Math.abs(value - expected[i])).toBeLessThan(2e-6 * Math.max(1, Math.abs(expected[i])));
  });
});

test('a checkpoint keeps what rows owe: the rest gives the same bits', () => {
  const whole = opened('lazy');
  after(STEPS, whole.tables, whole.decay);
  whole.decay.settleAll();

  const first = opened('lazy');
  after(STEPS.slice(0, 17), first.tables, first.decay);
  const [name, kept] = first.decay.kept();
  const second = opened('lazy');
  numbersOf(second.tables).set(numbersOf(first.tables));
  (second.decay.settled()[1].parts[0] as Int32Array).set(first.decay.settled()[1].parts[0] as Int32Array);
  second.decay.restoreKept(new Map([[name, { ...kept, dtype: 'F64' }]]));
  after(STEPS.slice(17), second.tables, second.decay);
  second.decay.settleAll();
  expect([...numbersOf(second.tables)]).toEqual([...numbersOf(whole.tables)]);
});
