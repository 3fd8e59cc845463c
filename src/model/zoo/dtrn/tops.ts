/** What stands on the bottoms of the tasks: towers, or the part after its inputs of a model that can take them. */
import { z } from 'zod';
import type { Tensor } from '../../../graph/index.ts';
import type {
  CommonOptions,
  ForwardInputs,
  ModelDefinition,
  ModelSizes,
  ParameterSpec,
  TaskTop,
} from '../../contract.ts';
import { towerParameters, towers } from '../../layers/heads.ts';
import { headsOption, widths } from '../../options.ts';
import { aitm, aitmOptions } from '../aitm.ts';
import { crossStitch, crossStitchOptions } from '../cross-stitch.ts';
import { esmm, esmmOptions } from '../esmm.ts';
import { mmoe, mmoeOptions } from '../mmoe.ts';
import { ple, pleOptions } from '../ple.ts';
import { sharedBottom, sharedBottomOptions } from '../shared-bottom.ts';
import { singleTask, singleTaskOptions } from '../single-task.ts';

const towerOptions = z.strictObject({
  key: z.literal('tower'),
  towerDims: widths.default([64, 32]).describe("widths of each task's tower before its answer"),
});

/** Width and dropout of a top are those of the whole. */
const WHOLE = { embeddingDim: true, dropout: true } as const;
/** No norm over the rows of a batch, which tasks would share; one head per task unless asked for more. */
const norm = z.literal('none').default('none');
const heads = headsOption('shared');

/** A model of the zoo is a line here and one in TOPS. */
export const topOption = z
  .discriminatedUnion('key', [
    towerOptions,
    aitmOptions.omit({ ...WHOLE, calibratorWeight: true }).extend({ key: z.literal('aitm'), norm }),
    crossStitchOptions.omit(WHOLE).extend({ key: z.literal('cross-stitch'), norm, heads }),
    esmmOptions.omit(WHOLE).extend({ key: z.literal('esmm'), norm, heads }),
    mmoeOptions.omit(WHOLE).extend({ key: z.literal('mmoe'), norm, heads }),
    pleOptions.omit(WHOLE).extend({ key: z.literal('ple'), norm, heads }),
    sharedBottomOptions.omit(WHOLE).extend({ key: z.literal('shared-bottom'), norm, heads }),
    singleTaskOptions.omit({ ...WHOLE, sharedEmbedding: true }).extend({ key: z.literal('single-task'), norm, heads }),
  ])
  .default({ key: 'tower', towerDims: [64, 32] })
  .describe(
    "what stands on the bottoms: a tower for each task, or another model with options of its own: {key: 'mmoe', ...}",
  );

export type TopOptions = z.output<typeof topOption>;

// Each model takes the options of its own schema; behind this table they are just options.
const TOPS = {
  aitm,
  'cross-stitch': crossStitch,
  esmm,
  mmoe,
  ple,
  'shared-bottom': sharedBottom,
  'single-task': singleTask,
} as unknown as Record<Exclude<TopOptions['key'], 'tower'>, ModelDefinition<CommonOptions>>;

/** Keys of the models that may stand on top. */
export const TOP_KEYS: readonly string[] = Object.keys(TOPS);

/** A tower for each task, which shares nothing. */
const tower: TaskTop<CommonOptions & z.output<typeof towerOptions>> = {
  parameters: ({ towerDims }, width, { tasks }) =>
    towerParameters('tower', { count: tasks, inputs: width, dims: towerDims }),
  logits: (bottoms, inputs) => towers(bottoms, 'tower', inputs.options.towerDims, inputs),
};

const taskTop = (key: TopOptions['key']): TaskTop<CommonOptions> =>
  (key === 'tower' ? tower : TOPS[key].taskTop) as TaskTop<CommonOptions>;

/** Options of DTRN that matter to its top. */
interface Whole extends CommonOptions {
  top: TopOptions;
}

const optionsOf = ({ top, embeddingDim, dropout }: Whole): CommonOptions => ({ ...top, embeddingDim, dropout });

/** `width`: numbers per row of each task's bottom. */
export const topParameters = (options: Whole, width: number, sizes: ModelSizes): ParameterSpec[] =>
  taskTop(options.top.key).parameters(optionsOf(options), width, sizes);

/** Bottoms [T, B, width] -> logits [B, T]. */
export const topLogits = (bottoms: Tensor, inputs: ForwardInputs<Whole>): Tensor =>
  taskTop(inputs.options.top.key).logits(
    bottoms,
    Object.assign(Object.create(inputs), { options: optionsOf(inputs.options) }),
  );

/** What the model on top has to say of the data. */
export function topProblems(options: Whole, sizes: ModelSizes): { path: string; message: string }[] {
  const { key } = options.top;
  if (key === 'tower') return [];
  const found = TOPS[key].problems?.(optionsOf(options), sizes) ?? [];
  return found.map(({ path, message }) => ({ path: `model.top.${path.replace(/^model\./, '')}`, message }));
}
