/** Finds the flows that a model uses, from its answers to the same rows under every scenario. */
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { FlowDocument } from '../../documents/flows.ts';
import {
  analyseModel,
  certifyModel,
  type FlowOptions,
  type FlowRows,
  type FlowSample,
  flowDocument,
  readFlowRows,
  surveyOf,
} from '../../flows/index.ts';
import { openRunData } from '../../inference/model/run-data.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import { openRun } from '../../store/run/run-folder.ts';
import { sampledLogits } from './sampled-logits.ts';

export interface ModelTestOptions extends FlowOptions {
  /** Number of sampled validation rows. */
  rows: number;
  seed: number;
}

/**
 * The flows that a run's model uses on validation rows. A strength of 0 means that its answers in the cell do not follow what the flow
 * carries in other cells.
 *
 * @param where.data folder of the prepared data set, if it is not the one that the run recorded
 */
export async function testModel(
  run: string,
  { rows, seed, ...options }: ModelTestOptions,
  where: { data?: string } & Pick<SessionOptions, 'backend'> = {},
): Promise<FlowDocument> {
  const data = await openRunData(run, openRun(run), where.data);
  const { name, hash, scenarios, tasks } = data.manifest;
  const sample = await readFlowRows(data, 'validation', { limit: rows, seed });
  const logits = await counterfactualLogits(run, data, sample, seed, where);
  const found = await analyseModel(sample.rows, logits, options);
  return flowDocument(
    {
      data: name,
      dataHash: hash,
      source: 'model',
      run,
      scenarios,
      tasks,
      orderedTasks: false,
      rows: sample.rows.rows,
      of: sample.of,
    },
    found,
    certifyModel(sample, logits, found),
  );
}

/** [N, S, T] logits of the sampled rows under each scenario: sets the scenario index and the fields that contain it. */
async function counterfactualLogits(
  run: string,
  data: PreparedData,
  { rows }: FlowSample,
  seed: number,
  { backend }: Pick<SessionOptions, 'backend'>,
): Promise<Float32Array> {
  const places = scenarioSlots(data, rows);
  return sampledLogits(run, data, { rows: rows.rows, seed, backend }, (batch) => {
    const width = batch.ids.length / batch.size;
    return Array.from({ length: rows.scenarios }, (_, s) => {
      const ids = Int32Array.from(batch.ids);
      for (const { slot, ids: values } of places)
        if (values[s] >= 0) for (let row = 0; row < batch.size; row++) ids[row * width + slot] = values[s];
      return { ...batch, ids, scenario: new Int32Array(batch.size).fill(s) };
    });
  });
}

/** Slots that contain the scenario, and the table id of each scenario there (-1: not among the rows). */
function scenarioSlots(data: PreparedData, rows: FlowRows): { slot: number; ids: Int32Array }[] {
  const levels = surveyOf(rows).scenarioLevels;
  let slot = 0;
  return data.manifest.fields.flatMap((field, j) => {
    const at = slot;
    slot += field.slots;
    const ids = levels[j]?.map((level) => (level < 0 ? -1 : field.offset + level));
    return ids === undefined ? [] : [{ slot: at, ids }];
  });
}
