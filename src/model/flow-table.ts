/**
 * Flow tables: which fields each of the four information flows reads, and which cells (scenario x task) it reaches. The verdict of
 * the flow test becomes one; models whose structure depends on it (Streams, AutoIFS with fixed gates) take it as an option.
 *
 * Flows in order: 1 shared, 2 specific to scenario and task, 3 specific to the task, 4 specific to the scenario.
 */
import { z } from 'zod';
import type { FlowCells, FlowTable, ModelSizes, Problem } from './contract.ts';
import { fieldProblems } from './layers/fields.ts';

export const FLOW_COUNT = 4;

/** What takes the place of a table until a run is made: `test`, `open`, or the path of a document of `flows --test --json`. */
export const flowSource = z.string().min(1);

export const flowCells: z.ZodType<FlowCells> = z
  .array(z.array(z.array(z.union([z.literal(0), z.literal(1)]))))
  .length(FLOW_COUNT);

const flowTable: z.ZodType<FlowTable> = z.strictObject({
  fields: z.array(z.array(z.string())).length(FLOW_COUNT),
  cells: flowCells,
});

export const flowsOption = z
  .union([flowSource, flowTable])
  .default('test')
  .describe(
    "which fields each flow reads and which cells it reaches: 'test' (what `flows --test` finds in the data), 'open' (all), a file that `flows --test --json` wrote, or {fields, cells}",
  );

/** Every flow reads all fields and reaches all cells. */
export function openTable({ fields, fieldNames = [], scenarios, tasks }: ModelSizes): FlowTable {
  const names = Array.from({ length: fields }, (_, i) => fieldNames[i] ?? `field${i}`);
  const open = Array.from({ length: scenarios }, () => new Array<1>(tasks).fill(1));
  return { fields: new Array<string[]>(FLOW_COUNT).fill(names), cells: new Array(FLOW_COUNT).fill(open) };
}

/** The source of a table that is not known yet. */
export const sourceOf = (table: unknown): string | undefined => (typeof table === 'string' ? table : undefined);

/** What is wrong with the cells of a table at `path` for data of these sizes. */
export const cellProblems = (path: string, cells: FlowCells, { scenarios, tasks }: ModelSizes): Problem[] =>
  cells.flatMap((flow, k) => {
    if (flow.length === scenarios && flow.every((row) => row.length === tasks)) return [];
    const found = `${flow.length} x ${[...new Set(flow.map((row) => row.length))].join(' or ')}`;
    return [{ path: `${path}.${k}`, message: `expected ${scenarios} x ${tasks} (scenarios x tasks), found ${found}` }];
  });

/** What is wrong with a table at `path`. */
export function tableProblems(path: string, table: FlowTable, sizes: ModelSizes): Problem[] {
  const unknown = table.fields.flatMap((names, k) => fieldProblems(`${path}.fields.${k}`, names, sizes));
  const found = [...unknown, ...cellProblems(`${path}.cells`, table.cells, sizes)];
  const isEmpty = table.fields.every((_, k) => !isActive(table, k));
  return isEmpty
    ? [...found, { path, message: 'no flow reads a field and reaches a cell: nothing would be learned' }]
    : found;
}

/** Does flow `k` read a field and reach a cell? */
export const isActive = ({ fields, cells }: FlowTable, k: number): boolean =>
  fields[k].length > 0 && cells[k].some((row) => row.some((cell) => cell === 1));
