/** Measures how often a model keeps its flows and uses its experts. */

import { error } from '../../base/errors/index.ts';
import type { SplitName } from '../../config/dataset.ts';
import { openFinished } from '../../inference/model/run.ts';
import type { RunSource, TrainedModel } from '../../inference/model/trained.ts';
import { createServing } from '../../inference/serving/serving-model.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import { choiceName, GATES, measureSwitches, type SwitchCounts, switchesOf } from './switches.ts';

export interface FlowReport {
  data: string;
  split: SplitName;
  scenarios: string[];
  tasks: string[];
  /** Names of the flows of a task; empty for models without flow gates. */
  flows: readonly string[];
  /** Measured rows of each scenario. */
  rows: number[];
  /** [S][T][flow]: number of these rows for which a flow is kept. */
  kept: number[][][];
  /** By name of the choice, [S][part]: number of these rows that use a part. */
  chosen: Record<string, number[][]>;
}

/**
 * Measures the model of a run on a split.
 *
 * @throws FLOWS_NONE, and errors of openFinished
 */
export async function measureFlows(
  run: string,
  split: SplitName,
  { backend, ...source }: RunSource & Pick<SessionOptions, 'backend'> = {},
): Promise<FlowReport> {
  const { data, trained } = await openFinished(run, source);
  const serving = createServing(trained, { backend });
  const switches = switchesOf(serving.tensors);
  if (switches.length === 0) throw error('FLOWS_NONE', { run, model: trained.model.key });
  const counts = await measureSwitches(serving, switches, data, [split]).finally(() => serving.close());
  return reportOf(trained, data.manifest.name, split, counts);
}

function reportOf(trained: TrainedModel, data: string, split: SplitName, { rows, ones }: SwitchCounts): FlowReport {
  const { scenarios, tasks } = trained.data;
  const flows = trained.model.flowSelection?.flows ?? [];
  return {
    data,
    split,
    scenarios,
    tasks,
    flows,
    rows,
    kept: rows.map((count, s) =>
      tasks.map((_, t) => flows.map((_, k) => count - ones[GATES][s][k * tasks.length + t])),
    ),
    chosen: Object.fromEntries(
      Object.entries(ones)
        .filter(([name]) => name !== GATES)
        .map(([name, counts]) => [name.slice(choiceName('').length), counts]),
    ),
  };
}
