/** The product's side of a model fixture: weights, buffers and sessions that hold the fixture's numbers. */
import type { Batch } from '../data/prepared/prepared.ts';
import type { Tensor } from '../graph/index.ts';
import {
  loadRows,
  parameterValues,
  type RowLayout,
  rowsOf,
  rowValues,
  scalarValue,
  sequenceLayout,
} from '../inference/arena/inputs.ts';
import {
  allocateWeights,
  bufferViews,
  length,
  totalLength,
  view,
  type Weights,
  weightBytes,
} from '../inference/arena/weights.ts';
import { gateGraph, inferenceGraph } from '../inference/graphs/forward.ts';
import { type Kernels, loadKernels } from '../kernels/index.ts';
import { arranged, placeReference } from '../model/arrangement.ts';
import type { ForwardOutputs, ModelSizes, Phase } from '../model/contract.ts';
import { networkOf } from '../model/network.ts';
import type { Session, Value } from '../runtime/contract.ts';
import { createSession } from '../runtime/session.ts';
import { type TrainingGraph, trainingGraph } from '../train/step/graph.ts';
import type { OptimizerOptions } from '../train/step/optimizer.ts';
import { allocateStep, type StepBuffers, type StepContext, stepBytes, sumRowGradients } from '../train/step/step.ts';
import { fixed } from '../train/weighting/index.ts';
import { type Fixture, NotUnderstood } from './fixture.ts';
import { type FlowGates, flowGates, run } from './kinds/flow-gates.ts';
import { PADDING, readBatch, readEmbeddedBatch } from './kinds/rows.ts';
import { type ReferenceModel, tableNames } from './reference-model.ts';

/** Buffers before and after a step: some references call them state. */
const beforeName = (fixture: Fixture, name: string): string =>
  fixture.tensors.has(`state.${name}`) ? `state.${name}` : `buffer.${name}`;
const afterName = (fixture: Fixture, name: string): string =>
  fixture.tensors.has(`state.${name}`) ? `output.state.${name}` : `buffer_after.${name}`;

interface Parts {
  fixture: Fixture;
  reference: ReferenceModel;
  phase: Phase;
  /** Numbers to feed by name. */
  scalars: Record<string, number>;
  batch: Batch;
  /** The numbers of embedded rows, for references that take these instead of ids. */
  embedded: Float32Array | undefined;
  graph: TrainingGraph;
  layout: RowLayout;
  kernels: Kernels;
  weights: Weights;
  buffers: StepBuffers;
  training: Session;
  scoring: Session;
  /** The gate network alone, in the phase that takes hard gates. */
  gating: Session | undefined;
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

/** How a fixture was run. */
export interface SubjectRequest {
  phase: Phase;
  /** Batch statistics and noise in force, in the outputs as in the loss. Default: in the loss alone. */
  training?: boolean;
  scalars: Record<string, number>;
}

/** Builds the graphs for a fixture's batch and puts its parameters into the weights. */
export async function openSubject(
  fixture: Fixture,
  reference: ReferenceModel,
  { phase, training, scalars }: SubjectRequest,
): Promise<Subject> {
  const { model, options, sizes, layout } = reference;
  const { batch, table: embedded } =
    layout.table === undefined
      ? readEmbeddedBatch(fixture, layout.inputs ?? ['x'], sizes)
      : { batch: readBatch(fixture, 'input.', sizes, layout.levels?.(options)), table: undefined };
  const request = { model, options, sizes, phase, training, batchSize: batch.size };
  const graph = trainingGraph(request);
  const missing = graph.scalars.filter((name) => !(name in scalars));
  if (missing.length > 0) throw new NotUnderstood(`it has no number for ${missing.join(', ')}`);
  const outputs = (forward: ForwardOutputs): Record<string, Tensor> => referenceOutputs(reference, forward);
  const subject = new Subject({
    fixture,
    reference,
    phase,
    scalars,
    batch,
    embedded,
    graph,
    ...(await allocate(reference, batch.size, graph)),
    training: await createSession(graph.bytes, RUNTIME),
    scoring: await createSession(inferenceGraph(request, outputs).bytes, RUNTIME),
    gating: phase === 'retrain' ? await createSession(gateGraph(request).bytes, RUNTIME) : undefined,
  });
  subject.loadParameters();
  return subject;
}

async function allocate(
  { model, layout: names, options, sizes, tableRows, dimension }: ReferenceModel,
  batchSize: number,
  { noise }: TrainingGraph,
): Promise<Pick<Parts, 'kernels' | 'layout' | 'weights' | 'buffers'>> {
  const { parameters: specs, buffers } = networkOf(model, options, sizes);
  const layout = globalIds(sizes, dimension);
  const weightSizes = {
    specs,
    buffers,
    tableRows: names.table === undefined ? batchSize * sizes.fields : tableRows,
    dimension,
    gateTable: names.gateTable !== undefined,
    moments: 2 as const,
  };
  const stepSizes = {
    batchSize,
    tasks: sizes.tasks,
    gates: (model.flowSelection?.flows.length ?? 0) * sizes.tasks,
    denseParameters: totalLength(specs),
    buffers: totalLength(buffers),
    tableRows: weightSizes.tableRows,
    wholeTable: false,
    dropout: 0,
    noise: noise.reduce((sum, { width }) => sum + width, 0),
  };
  const kernels = await loadKernels();
  const arena = kernels.createArena(weightBytes(weightSizes) + stepBytes(stepSizes, layout));
  return {
    kernels,
    layout,
    weights: allocateWeights(arena, weightSizes),
    buffers: allocateStep(arena, stepSizes, layout),
  };
}

/** A fixture's ids are rows of the table already, and every one of them is a value. */
const globalIds = ({ fields, sequences }: ModelSizes, dimension: number): RowLayout => ({
  fields: Array.from({ length: fields }, (_, slot) => ({ slot, slots: 1, pooling: 'mean', padding: PADDING })),
  slots: fields,
  dimension,
  ...(sequences && { sequences: sequenceLayout(sequences, PADDING) }),
});

/** Marks outputs of the reference: no input of a graph is named so (hard gates are both). */
const OUTPUT = 'output.';

function referenceOutputs({ layout, options, sizes }: ReferenceModel, forward: ForwardOutputs): Record<string, Tensor> {
  const outputs = layout.outputs?.(options, sizes, forward) ?? { logits: forward.logits };
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [OUTPUT + name, tensor]));
}

export class Subject {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get reference(): ReferenceModel {
    return this.#parts.reference;
  }

  get batch(): Batch {
    return this.#parts.batch;
  }

  get scalars(): Record<string, number> {
    return this.#parts.scalars;
  }

  get weights(): Weights {
    return this.#parts.weights;
  }

  /** Puts the fixture's parameters and buffers into the weights; a buffer that it has no tensor of begins as the model says. */
  loadParameters(): void {
    const { fixture, reference, weights, embedded } = this.#parts;
    const { tensors, buffers, tableRows, dimension } = reference;
    for (const [{ initial }, numbers] of bufferViews(weights)) numbers.fill(initial); // those that no tensor holds
    placeReference(
      tensors,
      ({ name, shape }) => fixture.floats(`param.${name}`, shape),
      (name) => view(weights, name),
    );
    placeReference(
      buffers,
      ({ name, shape }) => fixture.floats(beforeName(fixture, name), shape),
      (name) => this.#buffers().get(name) as Float32Array,
    );
    if (embedded !== undefined) weights.table.view.set(embedded);
    const tables = this.#tables();
    tableNames(reference).forEach((name, i) => {
      tables[i].set(fixture.floats(`param.${name}`, [tableRows, dimension]));
    });
  }

  /** The hard gates of the batch, in the phase that takes them. */
  async flowGates(): Promise<FlowGates | undefined> {
    const { gating: session, kernels, weights, layout, buffers, batch, reference } = this.#parts;
    if (session === undefined) return undefined;
    const { tasks } = reference.sizes;
    const width = (reference.model.flowSelection?.flows.length ?? 0) * tasks;
    return flowGates({ kernels, session, weights, layout, buffers, width }, batch, tasks);
  }

  /** Outputs by their reference names. */
  async outputs(gates: FlowGates | undefined): Promise<Map<string, Float32Array>> {
    const { kernels, layout, buffers, batch, weights, scoring, scalars } = this.#parts;
    loadRows(kernels, layout, buffers, batch, weights.table);
    const results = await run(scoring, {
      ...parameterValues(weights),
      ...Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, scalarValue(value)])),
      ...(gates && { gates: rowsOf({ byteOffset: 0, view: gates.fed }, batch.size, gates.fed.length / batch.size) }),
      ...rowValues(layout, buffers, batch.size),
      rows: scalarValue(batch.size),
      ...this.#noise(),
    });
    const named = Object.entries(results).filter(([name]) => name.startsWith(OUTPUT));
    return new Map(named.map(([name, { data }]) => [name.slice(OUTPUT.length), Float32Array.from(data)]));
  }

  /** What the training step works with: Adam over all that learns, with dense table updates. */
  stepContext(optimizer: Pick<OptimizerOptions, 'l2' | 'groups'>): StepContext {
    const { kernels, training: session, graph, weights, buffers, layout, phase, reference } = this.#parts;
    const { tasks } = reference.sizes;
    return {
      kernels,
      session,
      graph,
      weights,
      buffers,
      layout,
      optimizer: { ...ADAM, ...optimizer },
      clipNorm: undefined,
      weighting: fixed(new Array<number>(tasks).fill(1)),
      lossReduction: 'sum',
      tasks: Array.from({ length: tasks }, (_, task) => `task ${task}`),
      phase,
      dropoutKeep: 1,
      seed: 0,
    };
  }

  /** The fixture's own noise: `noise.<name>` of ours is its `input.noise.<name>`. */
  readonly fillNoise = (input: string, out: Float32Array): void => {
    const name = `input.${input}`;
    if (this.#parts.fixture.tensors.has(name)) out.set(this.#parts.fixture.floats(name));
    else out.fill(0);
  };

  #noise(): Record<string, Value> {
    const { graph, batch } = this.#parts;
    return Object.fromEntries(
      graph.noise.map(({ input, width }) => {
        const data = new Float32Array(batch.size * width);
        this.fillNoise(input, data);
        return [input, { type: 'float32', shape: [batch.size, width], data }];
      }),
    );
  }

  /** What the reference has and never uses. */
  unused(): { name: string; shape: readonly number[] }[] {
    const { layout, options, sizes } = this.reference;
    const unused = layout.unused?.(options, sizes) ?? [];
    for (const { name, shape } of unused) this.#parts.fixture.floats(`param.${name}`, shape);
    return unused;
  }

  /** The buffers as they are now, by the names of the reference's after a step. */
  buffersAfter(): [string, Float32Array][] {
    const { fixture, reference } = this.#parts;
    const ours = this.#buffers();
    return reference.buffers.map((tensor) => [
      afterName(fixture, tensor.name),
      arranged(tensor, ours.get(tensor.parameter) as Float32Array),
    ]);
  }

  #buffers(): Map<string, Float32Array> {
    return new Map(bufferViews(this.weights).map(([{ name }, numbers]) => [name, numbers]));
  }

  /** What the weights hold, by reference name and in its arrangement. */
  values(): Map<string, Float32Array> {
    return this.#named((name) => view(this.weights, name), this.#tables());
  }

  /** The gradients of the last step, in the same way; zeros for what does not learn. */
  gradients(): Map<string, Float32Array> {
    const { graph, weights, buffers } = this.#parts;
    const trainable = graph.trainable.reduce((sum, spec) => sum + length(spec), 0);
    const dense = (name: string): Float32Array => {
      const { from, to } = weights.range.get(name) as { from: number; to: number };
      return to <= trainable ? buffers.gradient.view.subarray(from, to) : new Float32Array(to - from);
    };
    const table = this.#tableGradient();
    const named = this.#named(dense, [table, new Float32Array(table.length)]);
    return this.#parts.embedded === undefined ? named : new Map([...named, ...this.#inputGradients(table)]);
  }

  /** The gradient of embedded rows, input by input. */
  #inputGradients(rows: Float32Array): [string, Float32Array][] {
    const { fixture, reference, batch } = this.#parts;
    const { fields } = reference.sizes;
    let from = 0;
    return (reference.layout.inputs ?? ['x']).map((name) => {
      const [, width] = fixture.tensor(`input.${name}`).shape;
      const start = from;
      from += width;
      const part = new Float32Array(batch.size * width);
      for (let row = 0; row < batch.size; row++)
        part.set(rows.subarray(row * fields + start, row * fields + start + width), row * width);
      return [`input.${name}`, part];
    });
  }

  /** The step's sums of the gradients of equal rows, taken again and put in a table of zeros. */
  #tableGradient(): Float32Array {
    const { kernels, buffers, layout, batch } = this.#parts;
    const { unique, summed } = buffers;
    const { dimension } = layout;
    const count = sumRowGradients(kernels, layout, buffers, batch.size);
    const table = new Float32Array(this.weights.table.view.length);
    for (let u = 0; u < count; u++)
      table.set(summed.view.subarray(u * dimension, (u + 1) * dimension), unique.view[u] * dimension);
    return table;
  }

  #tables(): Float32Array[] {
    return [this.weights.table, this.weights.gateTable].flatMap((table) => table?.view ?? []);
  }

  /** Everything that the reference names, out of our parameters and tables. */
  #named(parameter: (name: string) => Float32Array, tables: Float32Array[]): Map<string, Float32Array> {
    const { reference } = this;
    return new Map([
      ...reference.tensors.map((tensor): [string, Float32Array] => [
        tensor.name,
        arranged(tensor, parameter(tensor.parameter)),
      ]),
      ...tableNames(reference).map((name, i): [string, Float32Array] => [name, tables[i]]),
    ]);
  }

  async close(): Promise<void> {
    const { training, scoring, gating } = this.#parts;
    for (const session of [training, scoring, gating]) await session?.release();
  }
}
