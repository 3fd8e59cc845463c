/** What every serving graph keeps. */
import { expect } from 'vitest';
import { allocateInputs, inputBytes, loadRows, rowFeeds, rowLayout } from '../../src/inference/arena/inputs.ts';
import { createExecutor } from '../../src/inference/executor.ts';
import { gateGraph, inferenceGraph, readsSequences } from '../../src/inference/graphs/forward.ts';
import type { TrainedModel } from '../../src/inference/model/trained.ts';
import { loadKernels } from '../../src/kernels/index.ts';
import type { Session, Value } from '../../src/runtime/contract.ts';
import { createSession } from '../../src/runtime/session.ts';
import { oneMemory, tableBytes } from '../../src/tables/one-memory.ts';
import { feedsOf, openGraph, type Rows, rowsFor, servingGraph } from './served.ts';

/** Logits and probabilities are those of training's own graph, fed by the kernels: within 1e-5, relative where above 1. */
export async function agreesWithTraining(served: TrainedModel): Promise<void> {
  const rows = rowsFor(served, 50);
  const { logits, ...probabilities } = await runOnce(served, rows);
  const expected = await trainingLogits(served, rows);
  const tasks = served.data.tasks.length;
  expect(logits.shape).toEqual([rows.size, tasks]);
  for (let i = 0; i < expected.length; i++) {
    expect(Math.abs(logits.data[i] - expected[i])).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected[i])));
    const probability = probabilities[`probability_${served.data.tasks[i % tasks]}`].data[Math.floor(i / tasks)];
    expect(Math.abs(probability - 1 / (1 + Math.exp(-logits.data[i])))).toBeLessThan(1e-6);
  }
}

async function runOnce(served: TrainedModel, rows: Rows): Promise<Record<string, Value>> {
  const graph = servingGraph(served);
  const session = await openGraph(served, graph);
  const found = await session.run(feedsOf(graph, rows));
  await session.release();
  return found;
}

async function trainingLogits({ model, options, sizes, data, dimension, tensors }: TrainedModel, rows: Rows) {
  const phase = model.flowSelection === undefined ? 'train' : 'retrain';
  const request = { model, options, sizes, phase, batchSize: rows.size } as const;
  const graph = inferenceGraph(request);
  const layout = rowLayout(data.fields, dimension, readsSequences(graph) ? sizes.sequences : undefined);
  const kernels = await loadKernels();
  const tableSizes = { rows: data.tableRows, dimension, gateTable: false, moments: 0 } as const;
  const arena = kernels.createArena(inputBytes(rows.size, layout) + tableBytes(tableSizes));
  const [buffers, tables] = [allocateInputs(arena, rows.size, layout), oneMemory(kernels, arena, tableSizes)];
  const numbers = Object.fromEntries(
    [...tensors].map(([name, { shape, data }]): [string, Value] => [name, { type: 'float32', shape, data }]),
  );
  const run = async (bytes: Uint8Array, read: string, more: Record<string, Value>): Promise<Record<string, Value>> => {
    tables.parts('embedding')[0].view.set(tensors.get(read)?.data as Float32Array);
    loadRows(layout, buffers, rows, tables);
    const session = await createSession(bytes, { threads: 1 });
    const executor = createExecutor<Rows>(session, { ...numbers, ...rowFeeds(layout, buffers), ...more });
    const found = await executor.run(rows);
    await executor.release();
    return found;
  };
  if (model.flowSelection === undefined) return (await run(graph.bytes, 'embedding', {})).logits.data;
  const { gateLogits } = await run(gateGraph(request).bytes, 'gateEmbedding', {});
  const gates: Value = { ...gateLogits, data: Float32Array.from(gateLogits.data, (logit) => Number(logit > 0)) };
  return (await run(graph.bytes, 'embedding', { gates })).logits.data;
}

/** A row has the same bits alone, among others, at another place, and on several threads. */
export async function keepsItsBits(served: TrainedModel, batches: readonly number[], count = 70): Promise<void> {
  const graph = servingGraph(served);
  const rows = rowsFor(served, count);
  const session = await openGraph(served, graph);
  const several = await openGraph(served, graph, { threads: 3 });
  const whole = await session.run(feedsOf(graph, rows));
  expectRows(await several.run(feedsOf(graph, rows)), whole, 0, count);
  for (const size of batches)
    for (let from = 0; from < Math.min(count, 20 * size); from += size) {
      const to = Math.min(count, from + size);
      expectRows(await session.run(feedsOf(graph, rows, from, to)), whole, from, to);
    }
  await close(session, several);
}

const close = async (...sessions: Session[]): Promise<void> => {
  for (const session of sessions) await session.release();
};

/** The outputs are those of the rows [from, to) of the whole, bit for bit. */
function expectRows(found: Record<string, Value>, whole: Record<string, Value>, from: number, to: number): void {
  for (const [name, { data }] of Object.entries(found)) {
    const width = data.length / (to - from);
    const expected = whole[name].data.slice(from * width, to * width);
    expect(new Uint32Array(data.slice().buffer), `${name} of rows ${from} to ${to}`).toEqual(
      new Uint32Array(expected.buffer),
    );
  }
}
