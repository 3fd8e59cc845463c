/** The product's side of a model fixture: weights, buffers and sessions with the fixture's numbers. */
import type { Batch } from '../data/prepared/prepared.ts';
import type { Tensor } from '../graph/index.ts';
import { type ModelArena, openArena } from '../inference/arena/arena.ts';
import type { Scored } from '../inference/arena/executor.ts';
import { gateExecutor } from '../inference/arena/gates.ts';
import {
  loadRows,
  parameterFeeds,
  type RowLayout,
  type RowsToScore,
  rowFeeds,
  rowsOf,
  scalarFeeds,
  scalarValue,
  sequenceLayout,
} from '../inference/arena/inputs.ts';
import { bufferViews, length, totalLength, view, type Weights } from '../inference/arena/weights.ts';
import { createExecutor, type Executor } from '../inference/executor.ts';
import { gateGraph, inferenceGraph } from '../inference/graphs/forward.ts';
import { TABLES } from '../inference/model/fit.ts';
import { arranged, placeReference } from '../interop/arrangement.ts';
import type { ForwardOutputs, ModelSizes, Phase } from '../model/contract.ts';
import { networkOf } from '../model/network.ts';
import type { Session, Value } from '../runtime/contract.ts';
import { createSession } from '../runtime/session.ts';
import { allocateStep, type StepBuffers, stepBytes } from '../train/step/buffers.ts';
import { type StepExecutor, stepExecutor } from '../train/step/executor.ts';
import { type TrainingGraph, trainingGraph } from '../train/step/graph.ts';
import type { OptimizerOptions } from '../train/step/optimizer.ts';
import { type StepContext, sumRowGradients } from '../train/step/step.ts';
import { fixed } from '../train/weighting/index.ts';
import { type Fixture, NotUnderstood } from './fixture.ts';
import { type FlowGates, flowGates } from './kinds/flow-gates.ts';
import { PADDING, readBatch, readEmbeddedBatch } from './kinds/rows.ts';
import { type ReferenceModel, tableNames } from './reference-model.ts';

/** Buffers before and after a step; some references call them state. */
const beforeName = (fixture: Fixture, name: string): string =>
  fixture.tensors.has(`state.${name}`) ? `state.${name}` : `buffer.${name}`;
const afterName = (fixture: Fixture, name: string): string =>
  fixture.tensors.has(`state.${name}`) ? `output.state.${name}` : `buffer_after.${name}`;

interface Parts {
  fixture: Fixture;
  reference: ReferenceModel;
  phase: Phase;
  /** Scalar inputs by name. */
  scalars: Record<string, number>;
  batch: Batch;
  /** Embedded rows, for references that take these instead of ids. */
  embedded: Float32Array | undefined;
  graph: TrainingGraph;
  arena: ModelArena;
  buffers: StepBuffers;
  training: StepExecutor;
  scoring: Executor<SubjectRows>;
  /** The gate network alone, in the phase with hard gates. */
  gating: Executor<RowsToScore> | undefined;
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

/** How the fixture was computed. */
export interface SubjectRequest {
  phase: Phase;
  /** Use batch statistics and noise in the outputs as well as in the loss. Default: only in the loss. */
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
  const inference = inferenceGraph(request, (forward) => referenceOutputs(reference, forward));
  const { more: buffers, ...arena } = await allocate(reference, batch.size, graph);
  const open = ({ bytes }: { bytes: Uint8Array }): Promise<Session> => createSession(bytes, RUNTIME);
  const subject = new Subject({
    fixture,
    reference,
    phase,
    scalars,
    batch,
    embedded,
    graph,
    arena,
    buffers,
    training: stepExecutor(await open(graph), graph, arena.weights, buffers, arena.layout),
    scoring: scoringExecutor(arena, await open(inference), inference.scalars, graph.noise),
    gating: phase === 'retrain' ? gateExecutor(arena, await open(gateGraph(request))) : undefined,
  });
  subject.loadParameters();
  return subject;
}

/** Rows of the fixture as inputs of the scoring graph. */
interface SubjectRows extends Scored {
  gates?: Float32Array;
  noise: Readonly<Record<string, Value>>;
}

function scoringExecutor(
  { layout, weights, scoring }: ModelArena,
  session: Session,
  scalars: readonly string[],
  noise: TrainingGraph['noise'],
): Executor<SubjectRows> {
  const fed = noise.map(({ input }) => [input, (rows: SubjectRows) => rows.noise[input]]);
  return createExecutor<SubjectRows>(
    session,
    {
      ...parameterFeeds(weights),
      ...scalarFeeds(scalars),
      ...rowFeeds(layout, scoring),
      ...Object.fromEntries(fed),
      rows: ({ size }) => scalarValue(size),
      gates: ({ size, gates = new Float32Array() }) => rowsOf({ view: gates }, size, gates.length / size),
    },
    { load: (rows) => loadRows(layout, scoring, rows, weights.tables) },
  );
}

async function allocate(
  { model, layout: names, options, sizes, tableRows, dimension }: ReferenceModel,
  batchSize: number,
  { noise }: TrainingGraph,
): Promise<ModelArena & { more: StepBuffers }> {
  const { parameters: specs, buffers } = networkOf(model, options, sizes);
  const layout = globalIds(sizes, dimension);
  const weightSizes = {
    specs,
    buffers,
    tables: {
      rows: names.table === undefined ? batchSize * sizes.fields : tableRows,
      dimension,
      gateTable: names.gateTable !== undefined,
      moments: 2 as const,
      updates: { dense: true, optimizer: 'adam' as const, batchRows: batchSize * sizes.fields },
    },
  };
  const stepSizes = {
    batchSize,
    tasks: sizes.tasks,
    gates: (model.flowSelection?.flows.length ?? 0) * sizes.tasks,
    denseParameters: totalLength(specs),
    buffers: totalLength(buffers),
    tableRows: weightSizes.tables.rows,
    dropout: 0,
    noise: noise.reduce((sum, { width }) => sum + width, 0),
  };
  return openArena(
    { weights: weightSizes, layout, capacity: batchSize, gateWidth: stepSizes.gates },
    { bytes: stepBytes(stepSizes, layout), allocate: (arena) => allocateStep(arena, stepSizes, layout) },
  );
}

/** A fixture's ids are table rows already, and all of them are values. */
const globalIds = ({ fields, sequences }: ModelSizes, dimension: number): RowLayout => ({
  fields: Array.from({ length: fields }, (_, slot) => ({ slot, slots: 1, pooling: 'mean', padding: PADDING })),
  slots: fields,
  dimension,
  ...(sequences && { sequences: sequenceLayout(sequences, PADDING) }),
});

/** Marks outputs of the reference; no graph input has such a name (hard gates are both). */
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
    return this.#parts.arena.weights;
  }

  /** Puts the fixture's parameters and buffers into the weights; a buffer without a tensor gets the model's initial value. */
  loadParameters(): void {
    const { fixture, reference, embedded } = this.#parts;
    const { weights } = this;
    const { tensors, buffers, tableRows, dimension } = reference;
    for (const [{ initial }, numbers] of bufferViews(weights)) numbers.fill(initial); // for buffers without a tensor
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
    if (embedded !== undefined) weights.tables.parts('embedding')[0].view.set(embedded);
    const tables = this.#tables();
    tableNames(reference).forEach((name, i) => {
      tables[i].set(fixture.floats(`param.${name}`, [tableRows, dimension]));
    });
  }

  /** The hard gates of the batch, in the phase with hard gates. */
  async flowGates(): Promise<FlowGates | undefined> {
    const { gating, batch, reference } = this.#parts;
    return gating && flowGates(gating, batch, reference.sizes.tasks);
  }

  /** Outputs by their reference names. */
  async outputs(gates: FlowGates | undefined): Promise<Map<string, Float32Array>> {
    const { batch, scoring, scalars } = this.#parts;
    const results = await scoring.run({ ...batch, scalars, gates: gates?.fed, noise: this.#noise() });
    const named = Object.entries(results).filter(([name]) => name.startsWith(OUTPUT));
    return new Map(named.map(([name, { data }]) => [name.slice(OUTPUT.length), Float32Array.from(data)]));
  }

  /** Context of the training step: Adam over all parameters that learn, with dense table updates. */
  stepContext(optimizer: Pick<OptimizerOptions, 'l2' | 'groups'>): StepContext {
    const { arena, training: executor, graph, buffers, phase, reference } = this.#parts;
    const { kernels, weights, layout } = arena;
    const { tasks } = reference.sizes;
    return {
      kernels,
      executor,
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

  /** The fixture's noise: our `noise.<name>` is its `input.noise.<name>`. */
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

  /** Parameters that the reference has but never uses. */
  unused(): { name: string; shape: readonly number[] }[] {
    const { layout, options, sizes } = this.reference;
    const unused = layout.unused?.(options, sizes) ?? [];
    for (const { name, shape } of unused) this.#parts.fixture.floats(`param.${name}`, shape);
    return unused;
  }

  /** The current buffers, by the names of the reference's buffers after a step. */
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

  /** The weights, by reference name and in its arrangement. */
  values(): Map<string, Float32Array> {
    return this.#named((name) => view(this.weights, name), this.#tables());
  }

  /** The gradients of the last step, in the same form; zeros for parameters that do not learn. */
  gradients(): Map<string, Float32Array> {
    const { graph, buffers } = this.#parts;
    const { weights } = this;
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

  /** The step's gradient sums of equal rows, computed again and written into a table of zeros. */
  #tableGradient(): Float32Array {
    const { arena, buffers, batch } = this.#parts;
    const { kernels, layout } = arena;
    const { unique, summed } = buffers;
    const { dimension } = layout;
    const count = sumRowGradients(kernels, layout, buffers, batch.size);
    const table = new Float32Array(this.weights.tables.rows * dimension);
    for (let u = 0; u < count; u++)
      table.set(summed.view.subarray(u * dimension, (u + 1) * dimension), unique.view[u] * dimension);
    return table;
  }

  #tables(): Float32Array[] {
    return TABLES.flatMap((name) => this.weights.tables.parts(name).map(({ view }) => view));
  }

  /** Everything that the reference names, from our parameters and tables. */
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
