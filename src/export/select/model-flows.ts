/** Finds the flows that a model uses, from its answers to the same rows under every scenario. */
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { FlowDocument } from '../../documents/flows.ts';
import { analyseModel, type FlowOptions, type FlowSample, flowDocument, readFlowRows } from '../../flows/index.ts';
import { openModel } from '../../inference/model/finished.ts';
import { describeData, openRunData } from '../../inference/model/run.ts';
import type { SessionOptions } from '../../runtime/contract.ts';

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
  const data = await openRunData(run, where.data);
  const { name, hash, scenarios, tasks } = data.manifest;
  const sample = await readFlowRows(data, 'validation', { limit: rows, seed });
  const logits = await counterfactualLogits(run, data, sample, seed, where);
  const found = analyseModel(sample.rows, logits, options);
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
    [],
  );
}

/** [N, S, T] logits of the sampled rows under each scenario: sets the scenario index and the fields that contain it. */
async function counterfactualLogits(
  run: string,
  data: PreparedData,
  { rows: { rows: n, scenarios: S, tasks: T, fields, scenario } }: FlowSample,
  seed: number,
  { backend }: Pick<SessionOptions, 'backend'>,
): Promise<Float32Array> {
  const { splits } = data.manifest;
  const places = scenarioSlots(data, fields, scenario, S);
  const out = new Float32Array(n * S * T);
  const model = await openModel(run, { backend, data: describeData(data.manifest) });
  const reader = await data.open('validation');
  try {
    let filled = 0;
    const order = n < splits.validation.rows ? { shuffle: { seed, epoch: 0 } } : {};
    for await (const batch of reader.batches({ batchSize: Math.min(4096, model.batchSize), ...order })) {
      const size = Math.min(batch.size, n - filled);
      const width = batch.ids.length / batch.size;
      for (let s = 0; s < S; s++) {
        const ids = Int32Array.from(batch.ids);
        for (const { slot, ids: values } of places)
          if (values[s] >= 0) for (let row = 0; row < batch.size; row++) ids[row * width + slot] = values[s];
        const asked = { ...batch, ids, scenario: new Int32Array(batch.size).fill(s) };
        const logits = await model.score(asked); // [B,T]
        for (let row = 0; row < size; row++)
          for (let t = 0; t < T; t++) out[((filled + row) * S + s) * T + t] = logits[row * T + t];
      }
      filled += size;
      if (filled === n) break;
    }
  } finally {
    await reader.close();
    await model.close();
  }
  return out;
}

/** Slots that contain the scenario, and the table id of each scenario there (-1: not among the rows). */
function scenarioSlots(
  data: PreparedData,
  fields: FlowSample['rows']['fields'],
  scenario: Int32Array,
  S: number,
): { slot: number; ids: Int32Array }[] {
  let slot = 0;
  return data.manifest.fields.flatMap((field, j) => {
    const at = slot;
    slot += field.slots;
    if (!fields[j].isScenario) return [];
    const ids = new Int32Array(S).fill(-1);
    for (let row = 0; row < scenario.length; row++) ids[scenario[row]] = field.offset + fields[j].ids[row];
    return [{ slot: at, ids }];
  });
}
