/** What stands on the bottoms of the tasks: towers, or the part after its inputs of a model that can take them. */
import { z } from 'zod';
import type { Tensor } from '../../../graph/index.ts';
import type { CommonOptions, Layer, ModelDefinition, ModelSizes, Problem, Top } from '../../contract.ts';
import { towers } from '../../layers/heads.ts';
import { layer } from '../../layers/layer.ts';
import { option, widths } from '../../options.ts';
import { aitm } from '../aitm.ts';
import { crossStitch } from '../cross-stitch.ts';
import { esmm } from '../esmm.ts';
import { mmoe } from '../mmoe.ts';
import { ple } from '../ple.ts';
import { sharedBottom } from '../shared-bottom.ts';
import { singleTask } from '../single-task.ts';

const towerOptions = z.strictObject({
  key: z.literal('tower'),
  towerDims: widths.default([64, 32]).describe("widths of each task's tower before its answer"),
});

/** Width and dropout of a top are those of the whole. */
const WHOLE = { embeddingDim: true, dropout: true } as const;
/** No norm over the rows of a batch, which tasks would share; one head per task unless asked for more. */
const norm = z.literal('none').default('none');
const heads = option.heads('shared');

/** A model of the zoo is a line here and a name in TOPS. */
export const topOption = z
  .discriminatedUnion('key', [
    towerOptions,
    aitm.options.omit({ ...WHOLE, calibratorWeight: true }).extend({ key: z.literal('aitm'), norm }),
    crossStitch.options.omit(WHOLE).extend({ key: z.literal('cross-stitch'), norm, heads }),
    esmm.options.omit(WHOLE).extend({ key: z.literal('esmm'), norm, heads }),
    mmoe.options.omit(WHOLE).extend({ key: z.literal('mmoe'), norm, heads }),
    ple.options.omit(WHOLE).extend({ key: z.literal('ple'), norm, heads }),
    sharedBottom.options.omit(WHOLE).extend({ key: z.literal('shared-bottom'), norm, heads }),
    singleTask.options.omit({ ...WHOLE, sharedEmbedding: true }).extend({ key: z.literal('single-task'), norm, heads }),
  ])
  .default({ key: 'tower', towerDims: [64, 32] })
  .describe(
    "what stands on the bottoms: a tower for each task, or another model with options of its own: {key: 'mmoe', ...}",
  );

export type TopOptions = z.output<typeof topOption>;

/** A tower for each task, which shares nothing. */
const tower = {
  key: 'tower',
  top({ towerDims }: z.output<typeof towerOptions>, inputs: number, { tasks }: ModelSizes): Top {
    const all = towers('tower', { count: tasks, inputs, dims: towerDims });
    return layer([all], (bottoms: Tensor, step) => ({ logits: all(bottoms, step) }));
  },
};

// Each model takes the options of its own schema; behind this list they are just options.
const TOPS = [tower, aitm, crossStitch, esmm, mmoe, ple, sharedBottom, singleTask] as unknown as readonly Standing[];

type Standing = Pick<ModelDefinition<CommonOptions>, 'key' | 'top' | 'problems'>;

const standing = ({ key }: TopOptions): Standing => TOPS.find((one) => one.key === key) as Standing;

/** Options of DTRN that matter to its top. */
interface Whole extends CommonOptions {
  top: TopOptions;
}

const optionsOf = ({ top, embeddingDim, dropout }: Whole): CommonOptions => ({ ...top, embeddingDim, dropout });

/** `width`: numbers per row of each task's bottom. What the model on top by itself adds to the loss is left out. */
export function topOf(options: Whole, width: number, sizes: ModelSizes): Layer<[bottoms: Tensor]> {
  const top = standing(options.top).top?.(optionsOf(options), width, sizes) as Top;
  return layer([top], (bottoms, step) => top(bottoms, step).logits); // [T,B,width] -> [B,T]
}

/** What the model on top has to say of the data. */
export const topProblems = (options: Whole, sizes: ModelSizes): Problem[] =>
  (standing(options.top).problems?.(optionsOf(options), sizes) ?? []).map(({ path, message }) => ({
    path: `model.top.${path.replace(/^model\./, '')}`,
    message,
  }));
