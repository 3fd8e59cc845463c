/**
 * Switches: zeros and ones inside a model that control what a row uses, such as flow gates or chosen experts. If a switch is constant
 * over a scenario, the scenario's graph needs no network to compute it.
 */

import type { SplitName } from '../../config/dataset.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import { type Tensor, transpose } from '../../graph/index.ts';
import type { ServingTensors } from '../../inference/graphs/serving.ts';
import type { ServingModel } from '../../inference/serving/serving-model.ts';

/** A tensor of switches: [B, n], or [n, B]. */
export interface Switches {
  name: string;
  tensor: Tensor;
  /** Axis of the n switches. */
  axis: 0 | 1;
  count: number;
}

export const GATES = 'gates';

/** Name of a choice among the switches. */
export const choiceName = (choice: string): string => `choice ${choice}`;

/** The flow gates and the choices of a model. */
export const switchesOf = ({ gates, choices }: ServingTensors): Switches[] => [
  ...(gates === undefined ? [] : [{ name: GATES, tensor: gates, axis: 1 as const, count: gates.shape[1] as number }]),
  ...Object.entries(choices).map(([name, tensor]) => ({
    name: choiceName(name),
    tensor,
    axis: 0 as const,
    count: tensor.shape[0] as number,
  })),
];

/** How often each switch is 1 among the rows of each scenario. */
export interface SwitchCounts {
  /** [S] */
  rows: number[];
  /** By name, [S][n]. */
  ones: Record<string, number[][]>;
}

/** Counts the ones of every switch among the rows of each scenario; without switches, no rows. `switches` are tensors of one graph. */
export async function measureSwitches(
  serving: ServingModel,
  switches: readonly Switches[],
  data: PreparedData,
  splits: readonly SplitName[],
  onStep: (what: string) => void = () => {},
): Promise<SwitchCounts> {
  const rows = new Array<number>(serving.trained.data.scenarios.length).fill(0);
  const ones = switches.map(({ count }) => rows.map(() => new Array<number>(count).fill(0)));
  if (switches.length === 0) return { rows, ones: {} };
  const outputs = switches.map(({ tensor, axis }, i) => [
    `switch.${i}`,
    axis === 1 ? tensor : transpose(tensor, [1, 0]), // [B,n]
  ]);
  const executor = await serving.executor(serving.compile(Object.fromEntries(outputs)));
  for (const split of splits) {
    onStep(`measuring on the ${split} rows`);
    for await (const batch of data.batches(split)) {
      const found = await executor.run(batch);
      for (let row = 0; row < batch.size; row++) rows[batch.scenario[row]]++;
      switches.forEach(({ count }, i) => {
        const values = found[`switch.${i}`].data;
        for (let row = 0; row < batch.size; row++) {
          const own = ones[i][batch.scenario[row]];
          for (let k = 0; k < count; k++) own[k] += values[row * count + k];
        }
      });
    }
  }
  await serving.keep([]); // nothing else uses this graph
  return { rows, ones: Object.fromEntries(switches.map(({ name }, i) => [name, ones[i]])) };
}

/** 0 or 1 if constant over all rows of a scenario, else null: [S][n] by name. */
export type Decisions = Record<string, (0 | 1 | null)[][]>;

/**
 * Rates below `epsilon` become 0, above 1 - epsilon they become 1; with epsilon 0, a switch is decided only if all measured rows
 * agree. Nothing is decided for a scenario without rows.
 */
export const decide = ({ rows, ones }: SwitchCounts, epsilon = 0): Decisions =>
  Object.fromEntries(
    Object.entries(ones).map(([name, perScenario]) => [
      name,
      perScenario.map((counts, s) =>
        counts.map((count) => {
          if (rows[s] === 0) return null;
          if (count === 0 || count / rows[s] < epsilon) return 0;
          return count === rows[s] || count / rows[s] > 1 - epsilon ? 1 : null;
        }),
      ),
    ]),
  );
