/**
 * Cross-stitch (Misra et al., CVPR 2016, arXiv 1604.03539): a network for each head, side by side. After each layer a cross-stitch
 * unit hands every head a learned combination of what all heads have made, so that how much is shared is learned layer by layer.
 *
 * A unit has one number for each pair of heads and starts as the paper's does: mostly the own network, a little of the others, as
 * a convex combination. What is learned is the difference from that start, so that L2 pulls towards it, not towards 0.
 */
import { z } from 'zod';
import { add, matmul, type NodeFactory, reshape, type Tensor } from '../../graph/index.ts';
import type {
  BufferSpec,
  ForwardInputs,
  ForwardOutputs,
  ModelDefinition,
  ModelSizes,
  ParameterSpec,
} from '../contract.ts';
import { inputWidth } from '../layers/fields.ts';
import { headsAsTaskTop, networkPerHead, ownHeads, towerParameters, towers } from '../layers/heads.ts';
import { stackedLayer, stackedMlpBuffers, stackedMlpParameters } from '../layers/stack.ts';
import { BASELINE_TRAINING, commonOptions, headsOption, normOption, presets, widths } from '../options.ts';

export const crossStitchOptions = z.strictObject({
  key: z.literal('cross-stitch').default('cross-stitch'),
  ...commonOptions,
  bottomDims: widths
    .min(1)
    .default([128, 64])
    .describe("widths of each head's network, with a cross-stitch unit after each layer"),
  towerDims: widths.default([32]).describe("widths of each head's tower before its answer"),
  ownShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .describe("what a unit takes of the head's own network at the start; the others share the rest evenly"),
  heads: headsOption('product'),
  norm: normOption,
});

export type CrossStitchOptions = z.output<typeof crossStitchOptions>;

/** Of networks that read `width` numbers per row each. */
function parameters(options: CrossStitchOptions, width: number, sizes: ModelSizes): ParameterSpec[] {
  const { bottom, tower } = networkPerHead(options, width, sizes);
  return [
    ...stackedMlpParameters('bottom', bottom),
    ...bottom.dims.map((_, l) => ({
      name: `stitch.${l}.kernel`,
      shape: [bottom.count, bottom.count],
      initializer: { kind: 'zeros' as const },
      group: 'weight',
    })),
    ...towerParameters('tower', tower),
  ];
}

function buffers(options: CrossStitchOptions, sizes: ModelSizes): BufferSpec[] {
  const { bottom, tower } = networkPerHead(options, inputWidth(options, sizes), sizes);
  return [...stackedMlpBuffers('bottom', bottom), ...stackedMlpBuffers('tower', tower)];
}

function forward(inputs: ForwardInputs<CrossStitchOptions>): ForwardOutputs {
  const answers = answersOf(inputs.embedding, inputs); // [B,H]
  return { logits: ownHeads(answers, inputs.options.heads, inputs), diagnostics: { answers } };
}

/** x [B, in], or [T, B, in] for the heads of each task -> the answers of all heads [B, H]. */
function answersOf(x: Tensor, inputs: ForwardInputs<CrossStitchOptions>): Tensor {
  const { bottomDims, towerDims, norm } = inputs.options;
  const stitched = bottomDims.reduce((hidden, _, l) => {
    const own = stackedLayer(hidden, `bottom.${l}`, inputs, norm); // [H,B,n]
    return stitch(own, `stitch.${l}.kernel`, inputs);
  }, x);
  return towers(stitched, 'tower', towerDims, inputs, norm);
}

/** x~_h = sum_j alpha_hj x_j, equation 1 of the paper for any number of networks: [H, B, n] -> [H, B, n]. */
function stitch(x: Tensor, name: string, { parameter, options }: ForwardInputs<CrossStitchOptions>): Tensor {
  const [count, , width] = x.shape as number[];
  const alpha = add(start(x.graph, count, options.ownShare), parameter(name)); // [H,H]
  return reshape(matmul(alpha, reshape(x, [count, `${width}B`])), [count, 'B', width]);
}

/** [H, H]: each row adds up to 1. */
function start(graph: NodeFactory, count: number, ownShare: number): Tensor {
  const own = count === 1 ? 1 : ownShare;
  const other = count === 1 ? 0 : (1 - ownShare) / (count - 1);
  const entries = Array.from({ length: count * count }, (_, i) => (i % (count + 1) === 0 ? own : other));
  return graph.constant(entries, [count, count]);
}

export const crossStitch: ModelDefinition<CrossStitchOptions> = {
  key: 'cross-stitch',
  title: 'Cross-stitch',
  paper: 'Cross-stitch Networks for Multi-task Learning, CVPR 2016, arXiv 1604.03539',
  purpose: 'Lets networks of all heads exchange what they have made after each layer, as much as pays.',
  equations: [
    "x_h^l = block_h^l(x~_h^(l-1))           x~_h^0 = the row's embeddings",
    'x~_h^l = sum_j alpha_hj^l x_j^l         equation 1',
    'logit_h = tower_h(x~_h^L)',
  ].join('\n'),
  options: crossStitchOptions,
  trainDefaults: BASELINE_TRAINING,
  presets: presets({ bottomDims: [512, 256], towerDims: [128, 64] }),
  parameters: (options, sizes) => parameters(options, inputWidth(options, sizes), sizes),
  buffers,
  forward,
  taskTop: headsAsTaskTop(parameters, answersOf),
};
