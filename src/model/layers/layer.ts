/** Layers are values: each is declared once, with its name and sizes, and owns its parameters, its buffers and its call. */
import type { Tensor } from '../../graph/index.ts';
import type { Initializer, Layer, Owned, Step } from '../contract.ts';

/** What several layers own, one after another. */
export const owned = (parts: readonly Owned[]): Owned => ({
  parameters: parts.flatMap(({ parameters }) => parameters),
  buffers: parts.flatMap(({ buffers }) => buffers),
});

/** A layer that owns what its parts own, with a call that uses them. */
export const layer = <A extends unknown[] = [x: Tensor], R = Tensor>(
  parts: readonly Owned[],
  call: (...args: [...A, step: Step]) => R,
): Layer<A, R> => Object.assign((...args: [...A, step: Step]) => call(...args), owned(parts));

/** Layers one after another: x -> what the last gives. */
export const chain = (layers: readonly Layer[]): Layer =>
  layer(layers, (x, step) => layers.reduce((hidden, one) => one(hidden, step), x));

/** Numbers that learn. `name` is public: files, reports and imports use it. */
export const parameter = (
  name: string,
  shape: readonly number[],
  initializer: Initializer,
  group = 'weight',
): Layer<[]> =>
  Object.assign((step: Step) => step.parameter(name), {
    parameters: [{ name, shape, initializer, group }],
    buffers: [],
  });

/** Numbers that change in training, but not by gradients; all are `initial` at the start. */
export const buffer = (
  name: string,
  shape: readonly number[],
  initial: number,
): Layer<[]> & { set: (value: Tensor, step: Step) => void } =>
  Object.assign((step: Step) => step.buffer(name), {
    parameters: [],
    buffers: [{ name, shape, initial }],
    set: (value: Tensor, step: Step) => step.setBuffer(name, value),
  });

/** How kernel and bias of a dense layer are drawn. */
export interface DenseInitializers {
  kernel: Initializer;
  bias: Initializer;
}

const uniform = (bound: number): Initializer => ({ kind: 'uniform', bound });

/** Both from U(-1/sqrt(in), 1/sqrt(in)), the default of PyTorch's Linear. */
export const byInputs = (inputs: number): DenseInitializers => {
  const initializer = uniform(1 / Math.sqrt(inputs));
  return { kernel: initializer, bias: initializer };
};

/** Kernels by Xavier's uniform rule (Glorot and Bengio 2010), times `gain`; biases at zero. */
export const xavier = (inputs: number, outputs: number, gain = 1): DenseInitializers => ({
  kernel: uniform(gain * Math.sqrt(6 / (inputs + outputs))),
  bias: { kind: 'zeros' },
});

/** Sizes of the layers of `dims` that begin with rows of width `inputs`, by the index of each. */
export const widthsOf = (inputs: number, dims: readonly number[]): { inputs: number; outputs: number }[] =>
  dims.map((outputs, i) => ({ inputs: i === 0 ? inputs : dims[i - 1], outputs }));

export const times = <R>(count: number, make: (i: number) => R): R[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** The last of a list that is not empty. */
export const last = <T>(list: readonly T[]): T => list[list.length - 1];
