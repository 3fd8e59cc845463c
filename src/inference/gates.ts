/** What the gates of a model let through, on average over rows of a split: for the log of a run. */
import type { Batch } from '../data/prepared/prepared.ts';
import type { Tensor } from '../graph/index.ts';
import type { ForwardOutputs } from '../model/contract.ts';
import type { Value } from '../runtime/contract.ts';

const OUTPUT = 'gate.';

/** Outputs of a graph that `addGates` reads; none for models without gates. */
export const gateOutputs = ({ gates = {} }: ForwardOutputs): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(gates).map(([name, open]) => [OUTPUT + name, open]));

export const isGateOutput = (name: string): boolean => name.startsWith(OUTPUT);

/** Sums over rows. */
export interface GateSums {
  /** Of each scenario. */
  rows: number[];
  /** By name of the gate, [S * T]. */
  open: Record<string, number[]>;
}

export const noGates = (scenarios: number): GateSums => ({ rows: new Array(scenarios).fill(0), open: {} });

/** Adds a batch from the outputs of `gateOutputs`, [size, T] each. */
export function addGates(
  { rows, open }: GateSums,
  { size, scenario }: Pick<Batch, 'size' | 'scenario'>,
  outputs: Readonly<Record<string, Pick<Value, 'data'>>>,
): void {
  for (let row = 0; row < size; row++) rows[scenario[row]]++;
  for (const [output, { data }] of Object.entries(outputs)) {
    if (!isGateOutput(output)) continue;
    const tasks = data.length / size;
    const name = output.slice(OUTPUT.length);
    open[name] ??= new Array<number>(rows.length * tasks).fill(0);
    for (let i = 0; i < data.length; i++) {
      const row = Math.floor(i / tasks);
      open[name][scenario[row] * tasks + (i - row * tasks)] += Number(data[i]);
    }
  }
}

/** Replaces sums by the sum of `parts`. */
export function sumGates(total: GateSums, parts: readonly GateSums[]): void {
  const sum = (lists: readonly number[][]): number[] =>
    lists[0].map((_, i) => lists.reduce((all, of) => all + of[i], 0));
  total.rows = sum(parts.map(({ rows }) => rows));
  for (const name of new Set(parts.flatMap(({ open }) => Object.keys(open))))
    total.open[name] = sum(parts.flatMap(({ open }) => (open[name] === undefined ? [] : [open[name]])));
}

/** Digits that are kept. */
const PRECISION = 1e6;

/** Means by cell, scenario by scenario, as the log of a run has them; undefined for models without gates. */
export function meanGates({ rows, open }: GateSums): { names: string[]; open: (number | null)[][] } | undefined {
  const names = Object.keys(open);
  if (names.length === 0) return undefined;
  const cells = open[names[0]].length;
  const mean = (name: string, cell: number): number | null => {
    const count = rows[Math.floor((cell * rows.length) / cells)];
    return count === 0 ? null : Math.round((PRECISION * open[name][cell]) / count) / PRECISION;
  };
  return { names, open: Array.from({ length: cells }, (_, cell) => names.map((name) => mean(name, cell))) };
}
