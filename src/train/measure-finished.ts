/** Measures the finished model of a run on the test rows, as it was written. */
import type { ChoiceCounts } from '../documents/parts.ts';
import type { Grid } from '../evaluate/grid.ts';
import { modelExecutor } from '../inference/arena/executor.ts';
import { gateExecutor, liveGates } from '../inference/arena/gates.ts';
import { choiceOutputs } from '../inference/choices.ts';
import { gateGraph, inferenceGraph } from '../inference/graphs/forward.ts';
import { openModel } from '../inference/model/finished.ts';
import { openPart } from '../inference/model/run-data.ts';
import { sessionOf } from '../inference/session-of.ts';
import { createSession } from '../runtime/session.ts';
import { loadModel } from '../store/run/model-file.ts';
import type { StoredTensor } from '../store/tensors.ts';
import type { ScoreSample } from '../yardsticks/interval.ts';
import { type EvaluateSplitOptions, evaluateSplit, newGrid } from './evaluate-split.ts';
import { shareWeights } from './ranks/share.ts';
import type { Setup } from './run/setup.ts';
import { restoreTensors } from './run/state.ts';

/** The test grid of a model that was read back. */
export async function measureTest(
  folder: string,
  setup: Setup,
  choices: ChoiceCounts,
  sample: ScoreSample | undefined,
): Promise<Grid> {
  const { train } = setup.config;
  const take: EvaluateSplitOptions['take'] = sample && ((batch, logits) => sample.add(batch, logits));
  if (setup.weights.tables.shards !== undefined) {
    return measureTogether(setup, loadModel(folder).tensors, { choices, take });
  }
  const batchSize = train.evaluationBatchSize;
  // Tables too large for the arena are read back into the memories of the training, which is over: the machine may have no others.
  const { tables: store } = setup.weights;
  const tables = store.memories > 1 ? store : undefined;
  const finished = await openModel(folder, { ...sessionOf(setup.config), batchSize, choices: true, tables });
  const test = await openPart(setup.data, 'test', train);
  return evaluateSplit(finished.executor, test, newGrid(setup.data.manifest, setup.config.evaluate), {
    choices,
    take,
  }).finally(async () => {
    await test.close();
    await finished.close();
  });
}

/** Reads the finished model back, on rank 0, and measures it on the test rows, all ranks together. */
export async function measureTogether(
  setup: Setup,
  tensors: ReadonlyMap<string, StoredTensor> | undefined,
  { choices, take }: Pick<EvaluateSplitOptions, 'choices' | 'take'>,
): Promise<Grid> {
  const { ranks, config, data, model } = setup;
  await restoreTensors(setup, tensors);
  await shareWeights(setup);
  const request = setup.graphRequest(model.flowSelection ? 'retrain' : 'train', setup.scoring.capacity);
  const graph = inferenceGraph(request, choiceOutputs);
  const runtime = sessionOf(config);
  const session = await createSession(graph.bytes, runtime);
  const gating = model.flowSelection && gateExecutor(setup, await createSession(gateGraph(request).bytes, runtime));
  const executor = modelExecutor(setup, session, graph, gating && liveGates(gating));
  const test = await openPart(data, 'test', config.train);
  const grid = newGrid(data.manifest, config.evaluate);
  return evaluateSplit(executor, test, grid, { choices, take, ranks }).finally(async () => {
    await test.close();
    await executor.release();
    await gating?.release();
  });
}
