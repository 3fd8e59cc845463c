/** The options of DTRN, and what they mean for data of given sizes. */
import { z } from 'zod';
import type { ModelSizes, Problem, SequenceSizes } from '../../contract.ts';
import { commonOptions, modelOptions, positive, problemIf } from '../../options.ts';
import { topOption, topProblems } from './tops.ts';

export const dtrnOptions = modelOptions('dtrn', {
  dropout: commonOptions.dropout.describe('share of numbers dropped after each ReLU of the top'),
  sequences: z.boolean().default(true).describe('read behaviour sequences; without them only fields are refined'),
  positions: z.boolean().default(true).describe('add an embedding of its place to each item of a sequence'),
  blocks: positive.default(1).describe('transformer blocks over each sequence'),
  attentionHeads: positive.default(2).describe('heads of the self-attention; they divide embeddingDim'),
  ffnDim: positive.default(32).describe('width of the hidden layer in each transformer block'),
  conditionDim: positive.default(8).describe('numbers per embedding of a task, a behaviour type or a scenario'),
  hyperDim: positive.default(32).describe('width of the hidden layer that generates the norms'),
  scenarioConditioned: z.boolean().default(false).describe('norms of their own for each scenario, too'),
  pooling: z
    .enum(['target', 'mean'])
    .default('target')
    .describe('how items become an interest: weighed by their likeness to the target item, or their mean'),
  squeeze: z
    .enum(['concat', 'mean'])
    .default('concat')
    .describe('what the refinement reads of each embedding: all its numbers, or their mean'),
  refinementDim: z
    .union([z.literal('auto'), positive])
    .default('auto')
    .describe('width of the hidden layer of the refinement; auto: half the number of fields and types'),
  refinementScale: z
    .number()
    .positive()
    .default(2)
    .describe('largest weight of an embedding; at half of it, the start, 1'),
  top: topOption,
});

export type DtrnOptions = z.output<typeof dtrnOptions>;

/** The sequences that the model reads; undefined without. */
export const readSequences = ({ sequences }: DtrnOptions, sizes: ModelSizes): SequenceSizes | undefined =>
  sequences ? sizes.sequences : undefined;

/** M: embeddings that are refined, those of the fields and an interest of each behaviour type. */
export const embeddingCount = (options: DtrnOptions, sizes: ModelSizes): number =>
  sizes.fields + (readSequences(options, sizes)?.types ?? 0);

/** Width of the hidden layer of the refinement. */
export const refinementWidth = (options: DtrnOptions, sizes: ModelSizes): number =>
  options.refinementDim === 'auto'
    ? Math.max(1, Math.floor(embeddingCount(options, sizes) / 2))
    : options.refinementDim;

/** What is wrong with options for data of these sizes. */
export function dtrnProblems(options: DtrnOptions, sizes: ModelSizes): Problem[] {
  const { sequences, scenarioConditioned, attentionHeads, embeddingDim } = options;
  const noSequences =
    'the data have no behaviour sequences: declare some in the data set and prepare it again, or set this to false and train without them';
  const noNorms =
    'the norms that scenarios condition are those of sequences: expected false where model.sequences is false';
  const noDivisor = `expected a divisor of model.embeddingDim (${embeddingDim}), found ${attentionHeads}`;
  return [
    ...topProblems(options, sizes),
    ...problemIf(sequences && sizes.sequences === undefined, 'model.sequences', noSequences),
    ...problemIf(!sequences && scenarioConditioned, 'model.scenarioConditioned', noNorms),
    ...problemIf(sequences && embeddingDim % attentionHeads !== 0, 'model.attentionHeads', noDivisor),
  ];
}
