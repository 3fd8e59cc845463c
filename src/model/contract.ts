/**
 * What a model is: its options, and for each of them a network, made of layers over symbolic tensors. Everything else (gradients,
 * optimisers, data, serving) is derived from these, so a model file reads like the method section of its paper.
 */
import type { ZodType } from 'zod';
import type { Tensor } from '../graph/index.ts';

/** Sizes of the data, which a model's options do not decide. */
export interface ModelSizes {
  /** Fields of a row; each contributes one embedding of `embeddingDim` numbers. */
  fields: number;
  scenarios: number;
  tasks: number;
  /** Names of the fields, for options that name some. */
  fieldNames?: readonly string[];
  /** In every row a positive label of a task implies positive labels of all tasks before it (click, then purchase). */
  orderedTasks?: boolean;
  /** Behaviour sequences of a row, where the data have them. */
  sequences?: SequenceSizes;
}

export interface SequenceSizes {
  /** Behaviour types K (click, like ...): one sequence each. */
  types: number;
  /** Items L of a sequence at most. */
  length: number;
  /** Index of the field whose vocabulary the items of sequences share: the target item. */
  itemField: number;
}

/** How a parameter's numbers are drawn. The model works out bounds and deviations. */
export type Initializer =
  | { kind: 'zeros' }
  | { kind: 'ones' }
  | { kind: 'uniform'; bound: number }
  | { kind: 'normal'; deviation: number };

export interface ParameterSpec {
  /** Public name: used in files, reports and imports. */
  name: string;
  shape: readonly number[];
  initializer: Initializer;
  /** Optimiser group: `weight`, or another name that the training options may treat apart (`gate`). */
  group: string;
}

/** Numbers that change in training, but not by gradients: the moving averages of a batch norm. */
export interface BufferSpec {
  name: string;
  shape: readonly number[];
  /** All its numbers at the start. */
  initial: number;
}

/**
 * Training phases that a model's graph can be built for.
 * `train`: the only phase of most models. `search`: flow gates are soft and learn. `retrain`: flow gates are fed, 0 or 1.
 */
export type Phase = 'train' | 'search' | 'retrain';

/** What the call of a layer reads of the graph that is being built. */
export interface Step {
  phase: Phase;
  /** Dropout, noise and batch statistics are in force: a training step; not scoring. */
  training: boolean;
  /**
   * [B, F*D] embeddings of a row's fields, one after another; D is the network's `dimension`. With the option `pairs` their products
   * follow: `inputWidth` numbers in all.
   */
  embedding: Tensor;
  /** int32 [B] */
  scenario: Tensor;
  /** The parameter of that name. */
  parameter: (name: string) => Tensor;
  /** The buffer of that name: as it was before the step, or as `setBuffer` left it. */
  buffer: (name: string) => Tensor;
  /** What a training step makes of a buffer. No gradient flows through it. */
  setBuffer: (name: string, value: Tensor) => void;
  /** A number fed at every run, for example the temperature of a schedule. */
  scalar: (name: string) => Tensor;
  /** [] how many rows the batch has; in training only. */
  rows: () => Tensor;
  /** [B, width] standard normal numbers, drawn anew for every step; undefined outside training. `name` keeps draws apart. */
  noise: (name: string, width: number) => Tensor | undefined;
  /** Items [B, K, L, D] of the row's behaviour sequences, newest last, and 1 for items, 0 for padding: [B, K, L]. */
  sequences: () => { items: Tensor; mask: Tensor };
  /** Hard flow gates [B, flowGates], fed in the phase `retrain`. */
  gates: () => Tensor;
  /**
   * Drops numbers at the rate that the options choose in training (scaled by 1/keep) and is the identity otherwise. One axis of `x` is the
   * batch. `name` keeps masks apart.
   */
  dropout: (x: Tensor, name: string) => Tensor;
}

export interface ForwardOutputs {
  /** [B, T] */
  logits: Tensor;
  /** Added to the loss as the row-weighted mean of each [B] tensor. */
  penalties?: Record<string, Tensor>;
  /** Inner values by name, for reports and parity; unused ones cost nothing. */
  diagnostics?: Record<string, Tensor>;
  /**
   * Which of several parts (experts) each row uses, 1 or 0: [n, B] by name. Reports count them per scenario. They are the very
   * tensors that the forward pass reads: where a scenario's rows all choose alike, constants stand for them (`select`).
   */
  choices?: Record<string, Tensor>;
  /**
   * How far each of several flows or experts reaches the tasks of a row: [B, T] by its name, from 0 to 1. Means over validation rows are
   * logged (`gates` of metrics.jsonl); unused ones cost nothing.
   */
  gates?: Record<string, Tensor>;
}

/** What belongs to a layer, or to several, in the order in which files hold it. */
export interface Owned {
  parameters: readonly ParameterSpec[];
  buffers: readonly BufferSpec[];
}

/** A layer owns its parameters, its buffers and its call. */
export type Layer<A extends unknown[] = [x: Tensor], R = Tensor> = ((...args: [...A, step: Step]) => R) & Owned;

/**
 * A model after its inputs, for models that can stand on the bottoms of another (DTRN): x [B, width], or a bottom for each task
 * [T, B, width] -> outputs, without what the model by itself adds to the loss. Its parameters have the same names as there.
 */
export type Top = Layer<[x: Tensor], ForwardOutputs>;

/** A model of given options, for data of given sizes. */
export interface Network extends Owned {
  forward: (step: Step) => ForwardOutputs;
  /**
   * Of models with flow gates: their logits [B, flows * T], flow by flow (all tasks of flow 1, then of flow 2 ...), from embeddings
   * of the gate table. A gate above 0 is 1 and removes its flow.
   */
  gateLogits?: (step: Step) => Tensor;
  /** Numbers per row of the embedding table, for models that keep more than one embedding of a value. Default: `embeddingDim`. */
  dimension?: number;
}

/** What is wrong with an option: its path in the configuration, and what was expected and found. */
export interface Problem {
  path: string;
  message: string;
}

/** Options that every model has. */
export interface CommonOptions {
  embeddingDim: number;
  dropout: number;
  /** Do models read the products of all pairs of field embeddings, too? */
  pairs?: boolean;
}

/** Models whose flow gates are learned in a search phase, then frozen; their networks have `gateLogits`. */
export interface FlowSelection {
  /** Names of the flows of one task, in the order of the gates. */
  flows: readonly string[];
  /** Parameters that only the gates use: frozen after the search. */
  isGateParameter: (name: string) => boolean;
}

/** For each of four flows [S][T]: 1 where it reaches the cell (scenario x task), 0 where it does not. */
export type FlowCells = (0 | 1)[][][];

/** Which fields each of four flows reads, by name, and which cells it reaches. A flow without fields does not exist. */
export interface FlowTable {
  fields: string[][];
  cells: FlowCells;
}

/** Where options hold a `FlowTable`; both take and give options as they stand in a configuration. */
export interface FlowTableOption {
  /** The table's source: `test`, `open` or the path of a document; undefined if the options hold the table or need none. */
  source: (options: Record<string, unknown>) => string | undefined;
  take: (options: Record<string, unknown>, table: FlowTable) => Record<string, unknown>;
}

/** An optimiser group that learns from validation rows alone: one step on one batch at the end of each epoch. */
export interface ValidationGroup {
  group: string;
  /** Of its steps, whatever the run's learning rate and schedule are. */
  learningRate: number;
}

/** Where training stands in its phase. */
export interface Progress {
  /** Steps done, and how many the phase has at most. */
  step: number;
  steps: number;
}

export interface ModelDefinition<O extends CommonOptions = CommonOptions> {
  /** Paper name in kebab case. */
  key: string;
  title: string;
  paper: string;
  /** One sentence: what the model is for. */
  purpose: string;
  /** The forward pass in the paper's symbols, a line each. */
  equations?: string;
  /** Schema with defaults and a description on each option. */
  options: ZodType<O>;
  /** What is wrong with options for data of these sizes. The schema checks the options by themselves. */
  problems?: (options: O, sizes: ModelSizes) => Problem[];
  /** The model's defaults of training options. A preset, a configuration or `--set` overrides them. */
  trainDefaults?: Record<string, unknown>;
  /** Options of a run without a preset on data of less than a million rows, for models whose own defaults are large. */
  smallOptions?: Readonly<Record<string, unknown>>;
  /** Named starting points: partial run configurations. */
  presets: Record<string, Record<string, unknown>>;
  /** The network of these options, for data of these sizes. */
  build: (options: O, sizes: ModelSizes) => Network;
  /** For models that can stand on bottoms of another: what stands on bottoms of `width` numbers. */
  top?: (options: O, width: number, sizes: ModelSizes) => Top;
  /** Numbers that `forward` asks for by `scalar`, for a training step. */
  scalars?: (options: O, at: Progress) => Record<string, number>;
  flowSelection?: FlowSelection;
  /** For models whose structure depends on which flows reach which cells. */
  flowTable?: FlowTableOption;
  /**
   * Names of the fields that the network reads. Default: all. For data with these fields alone, `build` gives the same network with
   * the same parameters.
   */
  readFields?: (options: O, sizes: ModelSizes) => readonly string[];
  /** The group, where the options ask for one, that the steps on training rows leave as it is. */
  validationGroup?: (options: O) => ValidationGroup | undefined;
}
