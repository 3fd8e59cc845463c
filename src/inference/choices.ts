/** Counts, per scenario, how often the rows of a split use each part (expert) that a model chooses from. */
import type { Batch } from '../data/prepared/prepared.ts';
import type { ChoiceCounts } from '../documents/parts.ts';
import { type Tensor, transpose } from '../graph/index.ts';
import type { ForwardOutputs } from '../model/contract.ts';
import type { Value } from '../runtime/contract.ts';

const OUTPUT = 'choice.';

/** Outputs of a graph that `addChoices` reads. */
export const choiceOutputs = ({ choices = {} }: ForwardOutputs): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(choices).map(([name, chosen]) => [OUTPUT + name, transpose(chosen, [1, 0])]));

export const noChoices = (scenarios: number): ChoiceCounts => ({ rows: new Array(scenarios).fill(0), chosen: {} });

/** Replaces counts by the sum of `parts`. */
export function sumChoices(total: ChoiceCounts, parts: readonly ChoiceCounts[]): void {
  const sum = (counts: readonly number[][]): number[] =>
    counts[0].map((_, i) => counts.reduce((all, of) => all + of[i], 0));
  total.rows = sum(parts.map(({ rows }) => rows));
  const names = new Set(parts.flatMap(({ chosen }) => Object.keys(chosen)));
  for (const name of names) {
    const counted = parts.flatMap(({ chosen }) => (chosen[name] === undefined ? [] : [chosen[name]]));
    total.chosen[name] = counted[0].map((_, scenario) => sum(counted.map((counts) => counts[scenario])));
  }
}

/** Counts a batch from the outputs of `choiceOutputs`, [size, parts] each. */
export function addChoices(
  { rows, chosen }: ChoiceCounts,
  { size, scenario }: Pick<Batch, 'size' | 'scenario'>,
  outputs: Record<string, Value>,
): void {
  for (let row = 0; row < size; row++) rows[scenario[row]]++;
  for (const [output, { shape, data }] of Object.entries(outputs)) {
    if (!output.startsWith(OUTPUT)) continue;
    const name = output.slice(OUTPUT.length);
    const [, parts] = shape;
    chosen[name] ??= rows.map(() => new Array<number>(parts).fill(0));
    for (let row = 0; row < size; row++) {
      const counts = chosen[name][scenario[row]];
      for (let part = 0; part < parts; part++) counts[part] += data[row * parts + part];
    }
  }
}
