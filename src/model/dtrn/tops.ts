/** What stands on the bottoms of the tasks: towers, or the part after its inputs of a model that can take them. */
import { z } from 'zod';
import type { Tensor } from '../../graph/index.ts';
import type { CommonOptions, ForwardInputs, ModelSizes, ParameterSpec, TaskTop } from '../contract.ts';
import { towerParameters, towers } from '../layers/heads.ts';
import { mmoe, mmoeOptions } from '../mmoe.ts';
import { headsOption, widths } from '../options.ts';

const towerOptions = z.strictObject({
  key: z.literal('tower'),
  towerDims: widths.default([64, 32]).describe("widths of each task's tower before its answer"),
});

/** A tower for each task, which shares nothing. */
const tower: TaskTop<CommonOptions & z.output<typeof towerOptions>> = {
  parameters: ({ towerDims }, width, { tasks }) =>
    towerParameters('tower', { count: tasks, inputs: width, dims: towerDims }),
  logits: (bottoms, inputs) => towers(bottoms, 'tower', inputs.options.towerDims, inputs),
};

/** Width and dropout of a top are those of the whole; rows of all tasks have no batch statistics in common. */
const WHOLE = { embeddingDim: true, dropout: true } as const;
const asTop = { heads: headsOption('shared'), norm: z.literal('none').default('none') };

export const topOption = z
  .discriminatedUnion('key', [towerOptions, mmoeOptions.omit(WHOLE).extend(asTop)])
  .default({ key: 'tower', towerDims: [64, 32] })
  .describe(
    "what stands on the bottoms: a tower for each task, or another model with options of its own: {key: 'mmoe', ...}",
  );

export type TopOptions = z.output<typeof topOption>;

// Each top takes the options of its own schema; behind this table they are just options.
const TOPS = { tower, mmoe: mmoe.taskTop } as unknown as Record<TopOptions['key'], TaskTop<CommonOptions>>;

/** Options of DTRN that matter to its top. */
interface Whole extends CommonOptions {
  top: TopOptions;
}

const optionsOf = ({ top, embeddingDim, dropout }: Whole): CommonOptions => ({ ...top, embeddingDim, dropout });

/** `width`: numbers per row of each task's bottom. */
export const topParameters = (options: Whole, width: number, sizes: ModelSizes): ParameterSpec[] =>
  TOPS[options.top.key].parameters(optionsOf(options), width, sizes);

/** Bottoms [T, B, width] -> logits [B, T]. */
export const topLogits = (bottoms: Tensor, inputs: ForwardInputs<Whole>): Tensor =>
  TOPS[inputs.options.top.key].logits(bottoms, { ...inputs, options: optionsOf(inputs.options) });
