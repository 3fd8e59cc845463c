/**
 * What a model is: its options, its parameters and a forward function over symbolic tensors. Everything else (gradients,
 * optimisers, data, serving) is derived from these, so a model file reads like the method section of its paper.
 */
import type { ZodType } from 'zod';
import type { Tensor } from '../graph/index.ts';

/** Sizes that come from the data, not from the options. */
export interface ModelSizes {
  /** Fields of a row; each contributes one embedding of `embeddingDim` numbers. */
  fields: number;
  scenarios: number;
  tasks: number;
}

/** How a parameter's numbers are drawn. Bounds and deviations are worked out by the model. */
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

/**
 * Training phases that a model's graph can be built for.
 * `train`: the only phase of most models. `search`: flow gates are soft and learn. `retrain`: flow gates are fed, 0 or 1.
 */
export type Phase = 'train' | 'search' | 'retrain';

export interface ForwardInputs<O> {
  options: O;
  sizes: ModelSizes;
  phase: Phase;
  /** [B, F*D] embeddings of a row's fields, one after another. */
  embedding: Tensor;
  /** int32 [B] */
  scenario: Tensor;
  /** The parameter of that name. */
  parameter: (name: string) => Tensor;
  /** A number fed at every run, for example the temperature of a schedule. */
  scalar: (name: string) => Tensor;
  /** Hard flow gates [B, flowGates], fed in the phase `retrain`. */
  gates: () => Tensor;
  /** Drops numbers at the model's rate in training (scaled by 1/keep) and is the identity otherwise. `name` keeps masks apart. */
  dropout: (x: Tensor, name: string) => Tensor;
}

export interface ForwardOutputs {
  /** [B, T] */
  logits: Tensor;
  /** Added to the loss as the row-weighted mean of each [B] tensor. */
  penalties?: Record<string, Tensor>;
  /** Inner values by name, for reports and parity; unused ones cost nothing. */
  diagnostics?: Record<string, Tensor>;
}

/** Options that every model has. */
export interface CommonOptions {
  embeddingDim: number;
  dropout: number;
}

/** Models whose flow gates are learned in a search phase, then frozen. */
export interface FlowSelection<O> {
  /** Names of the flows of one task, in the order of the gates. */
  flows: readonly string[];
  /**
   * Gate logits [B, flows * T], flow by flow (all tasks of flow 1, then of flow 2 ...), from embeddings of the gate
   * table. A gate above 0 is 1 and removes its flow.
   */
  gateLogits: (inputs: ForwardInputs<O>) => Tensor;
  /** Parameters that only the gates use: frozen after the search. */
  isGateParameter: (name: string) => boolean;
}

/** How a published implementation names, shapes and orders what this model holds: for imports and parity. */
export interface ReferenceLayout<O> {
  /** The `model` entries of reference configurations that this layout understands. */
  models: readonly string[];
  /** Options and sizes from the reference's configuration. Throws CONFIG_INVALID on entries it does not understand. */
  read: (config: Record<string, unknown>) => { options: O; sizes: ModelSizes; tableRows: number };
  /** Reference tensors of each parameter and how they are arranged in it. */
  tensors: (options: O, sizes: ModelSizes) => ReferenceTensor[];
  /** Reference names of the embedding tables [V, D]. */
  table: string;
  gateTable?: string;
  /** Reference outputs by name, computed from the model's logits and diagnostics. */
  outputs?: (options: O, sizes: ModelSizes, forward: ForwardOutputs) => Record<string, Tensor>;
}

/** One reference tensor and its place in a parameter of ours. */
export interface ReferenceTensor {
  name: string;
  shape: readonly number[];
  parameter: string;
  /** For each element of the reference tensor (row-major index), its index in our parameter. */
  place: (index: number) => number;
}

export interface ModelDefinition<O extends CommonOptions = CommonOptions> {
  /** Paper name in kebab case. */
  key: string;
  title: string;
  paper: string;
  /** One sentence: what the model is for. */
  purpose: string;
  /** Schema with defaults and a description on each option. */
  options: ZodType<O>;
  /** What is wrong with options for data of these sizes; what is wrong by itself the schema tells. */
  problems?: (options: O, sizes: ModelSizes) => { path: string; message: string }[];
  /** Named starting points: partial run configurations. */
  presets: Record<string, Record<string, unknown>>;
  parameters: (options: O, sizes: ModelSizes) => ParameterSpec[];
  forward: (inputs: ForwardInputs<O>) => ForwardOutputs;
  flowSelection?: FlowSelection<O>;
  reference?: ReferenceLayout<O>;
}
