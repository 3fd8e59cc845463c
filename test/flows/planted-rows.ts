/** Rows of a synthetic world as the flow test reads them, without files. */
import { FLOWS as PLANTED } from '../../src/data/synthetic/planted.ts';
import type { World } from '../../src/data/synthetic/world.ts';
import type { FlowRows } from '../../src/flows/rows.ts';

/** Rows first .. first + n - 1 of a world, with the eight planted fields. */
export function rowsOf(world: World, first: number, n: number): FlowRows {
  const { scenarios, tasks } = world.options;
  const rows = Array.from({ length: n }, (_, i) => world.row(first + i));
  const names = PLANTED.flatMap(({ userField, itemField }) => [userField, itemField]);
  const values = rows.map((row) => world.fields(row));
  return {
    scenarios,
    tasks,
    rows: n,
    scenario: Int32Array.from(rows, ({ scenario }) => scenario),
    labels: Float64Array.from(rows.flatMap(({ labels }) => labels)),
    fields: names.map((name) => ({
      name,
      levels: 8,
      slots: 1,
      ids: Int32Array.from(values, (value) => Number(String(value[name]).match(/\d+$/)?.[0])),
    })),
  };
}
