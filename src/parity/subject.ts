/** The product's side of a model fixture: weights, buffers and sessions that hold the fixture's numbers. */

import type { Batch } from '../data/prepared.ts';
import type { Tensor } from '../graph/index.ts';
import { loadKernels } from '../kernels/index.ts';
import { arranged, placeReference } from '../model/arrangement.ts';
import type { ForwardOutputs, Phase } from '../model/contract.ts';
import { createSession } from '../runtime/session.ts';
import { loadRows, parameterValues, type RowLayout, rowsOf, scalarValue } from '../train/feeds.ts';
import { gateGraph, inferenceGraph, trainingGraph } from '../train/graphs.ts';
import type { OptimizerOptions } from '../train/optimizer.ts';
import { allocateStep, type StepContext, stepBytes } from '../train/step.ts';
import { allocateWeights, length, view, type Weights, weightBytes } from '../train/weights.ts';
import { type Fixture, NotUnderstood } from './fixture.ts';
import { type FlowGates, flowGates, run } from './flow-gates.ts';
import { type ReferenceModel, tableNames } from './reference-model.ts';
import { readBatch } from './rows.ts';

export interface Subject {
  reference: ReferenceModel;
  batch: Batch;
  scalars: Record<string, number>;
  weights: Weights;
  /** Outputs by their reference names, once computed. */
  found: Map<string, Float32Array>;
  /** Puts the fixture's parameters into the weights. */
  loadParameters(): void;
  /** The hard gates of the batch, in the phase that takes them. */
  flowGates(): Promise<FlowGates | undefined>;
  outputs(fedGates: Float32Array | undefined): Promise<Map<string, Float32Array>>;
  stepContext(optimizer: Pick<OptimizerOptions, 'l2' | 'groups'>): StepContext;
  /** By reference name and in its arrangement: what the weights hold, and the gradients of the last step. */
  values(): Map<string, Float32Array>;
  gradients(): Map<string, Float32Array>;
  close(): Promise<void>;
}

/** One thread: the graphs of fixtures are small. */
const RUNTIME = { threads: 1 };

const ADAM = {
  optimizer: 'adam',
  weightDecay: 0,
  momentum: 0,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  tableUpdates: 'dense',
} as const;

export async function openSubject(
  fixture: Fixture,
  reference: ReferenceModel,
  phase: Phase,
  scalars: Record<string, number>,
): Promise<Subject> {
  const { model, layout: names, options, sizes, tableRows, tensors } = reference;
  const batch = readBatch(fixture, 'input.', sizes);
  const request = { model, options, sizes, phase, batchSize: batch.size };
  const graph = trainingGraph(request);
  const missing = graph.scalars.filter((name) => !(name in scalars));
  if (missing.length > 0) throw new NotUnderstood(`it has no number for ${missing.join(', ')}`);

  const specs = model.parameters(options, sizes);
  const layout = globalIds(sizes.fields, options.embeddingDim);
  const gateWidth = (model.flowSelection?.flows.length ?? 0) * sizes.tasks;
  const weightSizes = {
    specs,
    tableRows,
    dimension: options.embeddingDim,
    gateTable: names.gateTable !== undefined,
    moments: 2 as const,
  };
  const stepSizes = {
    batchSize: batch.size,
    tasks: sizes.tasks,
    gates: gateWidth,
    denseParameters: specs.reduce((sum, spec) => sum + length(spec), 0),
    tableRows,
    tableUpdates: 'dense' as const,
    dropout: 0,
  };
  const kernels = await loadKernels();
  const arena = kernels.createArena(weightBytes(weightSizes) + stepBytes(stepSizes, layout));
  const weights = allocateWeights(arena, weightSizes);
  const buffers = allocateStep(arena, stepSizes, layout);
  const tables = [weights.table, weights.gateTable].flatMap((table) => table?.view ?? []);

  const loadParameters = (): void => {
    placeReference(
      tensors,
      ({ name, shape }) => fixture.floats(`param.${name}`, shape),
      (name) => view(weights, name),
    );
    tableNames(reference).forEach(
      (name, i) => void tables[i].set(fixture.floats(`param.${name}`, [tableRows, options.embeddingDim])),
    );
  };
  loadParameters();

  const training = await createSession(graph.bytes, RUNTIME);
  const scoring = await createSession(
    inferenceGraph(request, (forward) => outputsOf(reference, forward)).bytes,
    RUNTIME,
  );
  const gating = phase === 'retrain' ? await createSession(gateGraph(request).bytes, RUNTIME) : undefined;
  const found = new Map<string, Float32Array>();

  return {
    reference,
    batch,
    scalars,
    weights,
    found,
    loadParameters,

    async flowGates() {
      return (
        gating &&
        (await flowGates({ kernels, session: gating, weights, layout, buffers, width: gateWidth }, batch, sizes.tasks))
      );
    },

    async outputs(fedGates) {
      loadRows(kernels, layout, buffers, batch, weights.table);
      const results = await run(scoring, {
        ...parameterValues(weights),
        ...Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, scalarValue(value)])),
        ...(fedGates && { gates: { type: 'float32', shape: [batch.size, gateWidth], data: fedGates } }),
        embedding: rowsOf(buffers.embedding, batch.size, sizes.fields * options.embeddingDim),
        scenario: rowsOf(buffers.scenario, batch.size),
      });
      for (const [name, { data }] of Object.entries(results))
        if (name.startsWith(OUTPUT)) found.set(name.slice(OUTPUT.length), Float32Array.from(data));
      return found;
    },

    stepContext: (optimizer) => ({
      kernels,
      session: training,
      graph,
      weights,
      buffers,
      layout,
      optimizer: { ...ADAM, ...optimizer },
      clipNorm: undefined,
      taskWeights: new Array<number>(sizes.tasks).fill(1),
      tasks: Array.from({ length: sizes.tasks }, (_, task) => `task ${task}`),
      phase,
      dropoutKeep: 1,
      seed: 0,
    }),

    values: () => named(reference, (name) => view(weights, name), tables),

    gradients() {
      const trainable = graph.trainable.reduce((sum, spec) => sum + length(spec), 0);
      const dense = (name: string): Float32Array => {
        const { from, to } = weights.range.get(name) as { from: number; to: number };
        return to <= trainable ? buffers.gradient.view.subarray(from, to) : new Float32Array(to - from);
      };
      // The step has summed the gradients of equal rows and taken its scratch back to zeros: sum and spread them again.
      const rows = { unique: buffers.unique, summed: buffers.summed, dimension: options.embeddingDim };
      const { stamps, embeddingGradient: gradient, ids, wholeTable } = buffers;
      if (wholeTable === undefined) throw new Error('dense table updates have a whole table');
      const count = kernels.scatterUnique({
        ids,
        rows: batch.size,
        slots: layout.slots,
        fields: layout.fields,
        gradient,
        stamps,
        ...rows,
      });
      kernels.spreadRows({ ...rows, count, dense: wholeTable });
      const table = wholeTable.view.slice();
      kernels.clearRows({ ...rows, count, dense: wholeTable });
      return named(reference, dense, [table, new Float32Array(table.length)]);
    },

    async close() {
      await training.release();
      await scoring.release();
      await gating?.release();
    },
  };
}

/** Outputs of the reference under names that no input of a graph has (hard gates are both). */
const OUTPUT = 'output.';
const outputsOf = ({ layout, options, sizes }: ReferenceModel, forward: ForwardOutputs): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(layout.outputs?.(options, sizes, forward) ?? { logits: forward.logits }).map(([name, tensor]) => [
      OUTPUT + name,
      tensor,
    ]),
  );

/** Everything that the reference names, out of our parameters and tables. */
function named(
  reference: ReferenceModel,
  parameter: (name: string) => Float32Array,
  tables: Float32Array[],
): Map<string, Float32Array> {
  return new Map([
    ...reference.tensors.map((tensor): [string, Float32Array] => [
      tensor.name,
      arranged(tensor, parameter(tensor.parameter)),
    ]),
    ...tableNames(reference).map((name, i): [string, Float32Array] => [name, tables[i]]),
  ]);
}

/** A fixture's ids are rows of the table already, and every one of them is a value. */
const globalIds = (fields: number, dimension: number): RowLayout => ({
  fields: Array.from({ length: fields }, (_, slot) => ({ slot, slots: 1, pooling: 'mean', padding: -1 })),
  slots: fields,
  dimension,
});
