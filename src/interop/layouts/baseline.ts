/** What the layouts of several published implementations share: PyTorch's Linear and BatchNorm1d as members of our stacks. */
import { z } from 'zod';
import { reshape, sigmoid, type Tensor } from '../../graph/index.ts';
import type { ForwardOutputs, ModelSizes } from '../../model/contract.ts';
import type { StackSizes } from '../../model/layers/linear.ts';
import { readConfiguration } from '../configuration.ts';
import type { ReferenceLayout, ReferenceTensor } from '../contract.ts';

const positive = z.int().min(1);

/** Entries that every configuration of a baseline has: rows come embedded, D wide. */
const commonEntries = {
  model: z.string().optional(),
  set: z.string().optional(),
  heads: z.enum(['product', 'shared']).optional(),
  norm: z.enum(['none', 'batch']).optional(),
  D: positive,
  S: positive,
  T: positive,
  H: positive.optional(),
};

/**
 * Reads a baseline's configuration: `entries` are the model's own, `options` turns all of it into ours. Each number of an
 * embedded row stands for a field whose embedding is one number wide.
 */
export function baselineReader<E extends z.ZodRawShape, O>(
  entries: E,
  options: (config: z.output<z.ZodObject<typeof commonEntries & E>>) => O,
): ReferenceLayout<O>['read'] {
  const schema = z.strictObject({ ...commonEntries, ...entries });
  return (config) => {
    const known = readConfiguration(schema, config) as z.output<z.ZodObject<typeof commonEntries & E>>;
    const { D, S, T } = known as { D: number; S: number; T: number };
    return { options: options(known), sizes: { fields: D, scenarios: S, tasks: T }, tableRows: 0 };
  };
}

/** A part of one parameter: `member` of a stack [K, ...], or the whole parameter. */
export interface Place {
  parameter: string;
  member?: number;
}

/** Linear: weight [out, in] there, kernel [in, out] of one member here; bias [out]. */
export const linearTensors = (reference: string, ours: Place, inputs: number, outputs: number): ReferenceTensor[] => [
  turnedTensor(`${reference}.weight`, { ...ours, parameter: `${ours.parameter}.kernel` }, inputs, outputs),
  vectorTensor(`${reference}.bias`, { ...ours, parameter: `${ours.parameter}.bias` }, outputs),
];

/** [out, in] there, [in, out] here. */
export const turnedTensor = (
  name: string,
  { parameter, member = 0 }: Place,
  inputs: number,
  outputs: number,
): ReferenceTensor => ({
  name,
  shape: [outputs, inputs],
  parameter,
  place: (index) => member * inputs * outputs + (index % inputs) * outputs + Math.floor(index / inputs),
});

/** Numbers in the same order on both sides: [n], or any shape of so many numbers. */
export const vectorTensor = (
  name: string,
  { parameter, member = 0 }: Place,
  size: number,
  shape: readonly number[] = [size],
): ReferenceTensor => ({ name, shape, parameter, place: (index) => member * size + index });

/** Names inside a reference's MLP: where block i has its Linear and its norm. */
export interface MlpNames {
  linear: (block: number) => string;
  norm: (block: number) => string;
}

/** MTReclib and torch-rechub: `mlp.{4i}` Linear, `mlp.{4i+1}` BatchNorm1d, then ReLU and dropout. */
export const EVERY_FOURTH: MlpNames = { linear: (i) => `mlp.${4 * i}`, norm: (i) => `mlp.${4 * i + 1}` };

interface MlpPlace {
  /** Name before those of the blocks. */
  reference: string;
  /** Our stack, and which member of it. */
  ours: string;
  member: number;
  names: MlpNames;
}

/** One member of a stack of MLPs, with the number that a tower ends in where `answer` is set. */
export function mlpTensors(
  { reference, ours, member, names }: MlpPlace,
  { inputs, dims, norm = 'none' }: Omit<StackSizes, 'count'>,
  answer = false,
): ReferenceTensor[] {
  const all = answer ? [...dims, 1] : dims;
  return all.flatMap((outputs, i) => {
    const place = { parameter: `${ours}.${i}`, member };
    const linear = linearTensors(`${reference}.${names.linear(i)}`, place, i === 0 ? inputs : all[i - 1], outputs);
    return norm !== 'none' && i < dims.length
      ? [...linear, ...normTensors(`${reference}.${names.norm(i)}`, `${ours}.${i}.norm`, member, outputs)]
      : linear;
  });
}

/** Weight and bias of a norm there, scale and shift here. */
export const normTensors = (reference: string, ours: string, member: number, size: number): ReferenceTensor[] => [
  vectorTensor(`${reference}.weight`, { parameter: `${ours}.scale`, member }, size),
  vectorTensor(`${reference}.bias`, { parameter: `${ours}.shift`, member }, size),
];

/** Moving averages of the batch norms in one member of a stack of MLPs. */
export const mlpBuffers = (
  { reference, ours, member, names }: MlpPlace,
  { dims, norm }: Pick<StackSizes, 'dims' | 'norm'>,
): ReferenceTensor[] =>
  norm !== 'batch'
    ? []
    : dims.flatMap((size, i) => [
        vectorTensor(
          `${reference}.${names.norm(i)}.running_mean`,
          { parameter: `${ours}.${i}.norm.mean`, member },
          size,
        ),
        vectorTensor(
          `${reference}.${names.norm(i)}.running_var`,
          { parameter: `${ours}.${i}.norm.variance`, member },
          size,
        ),
      ]);

/** Logits and probabilities, and the probabilities of every head where the reference tells them. */
export function baselineOutputs(
  { heads }: { heads: 'product' | 'shared' },
  { scenarios, tasks }: ModelSizes,
  { logits, diagnostics = {} }: ForwardOutputs,
): Record<string, Tensor> {
  const { answers } = diagnostics;
  return {
    logits,
    probs: sigmoid(logits),
    ...(heads === 'product' && answers && { all_heads_probs: sigmoid(reshape(answers, ['B', tasks * scenarios])) }),
  };
}
