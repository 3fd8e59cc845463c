/** MMoE: multi-gate mixture of experts (Ma et al., KDD 2018). All heads share the experts; each mixes them by a gate of its own. */
import { z } from 'zod';
import type { Tensor } from '../../graph/index.ts';
import type { ForwardInputs, ForwardOutputs, ModelDefinition, ModelSizes, ParameterSpec } from '../contract.ts';
import { inputWidth } from '../layers/fields.ts';
import { headCount, headsAsTaskTop, mixture, ownHeads, towerParameters, towers } from '../layers/heads.ts';
import {
  forEachMember,
  stackedLinear,
  stackedLinearParameters,
  stackedMlp,
  stackedMlpBuffers,
  stackedMlpParameters,
} from '../layers/stack.ts';
import { BASELINE_TRAINING, commonOptions, headsOption, normOption, presets, widths } from '../options.ts';
import { MMOE_REFERENCE } from '../references/mmoe.ts';

export const mmoeOptions = z.strictObject({
  key: z.literal('mmoe').default('mmoe'),
  ...commonOptions,
  experts: z.int().min(1).default(4).describe('experts that all heads share'),
  expertDims: widths.min(1).default([128, 64]).describe('widths of each expert'),
  towerDims: widths.default([32]).describe("widths of each head's tower before its answer"),
  heads: headsOption('product'),
  norm: normOption,
});

export type MmoeOptions = z.output<typeof mmoeOptions>;

function parts({ experts, expertDims, towerDims, heads, norm }: MmoeOptions, inputs: number, sizes: ModelSizes) {
  const count = headCount(heads, sizes);
  return {
    expert: { count: experts, inputs, dims: expertDims, norm },
    gate: { count, inputs, experts },
    tower: { count, inputs: expertDims.at(-1) as number, dims: towerDims, norm },
  };
}

/** Of a model that reads `width` numbers per row. */
function parameters(options: MmoeOptions, width: number, sizes: ModelSizes): ParameterSpec[] {
  const { expert, gate, tower } = parts(options, width, sizes);
  return [
    ...stackedMlpParameters('expert', expert),
    ...stackedLinearParameters('gate', gate.count, gate.inputs, gate.experts),
    ...towerParameters('tower', tower),
  ];
}

function forward(inputs: ForwardInputs<MmoeOptions>): ForwardOutputs {
  const { options, embedding } = inputs;
  const answers = answersOf(embedding, inputs); // [B,H]
  return { logits: ownHeads(answers, options.heads, inputs), diagnostics: { answers } };
}

/** x [B, in], or [T, B, in] for the heads of each task -> the answers of all heads [B, H]. */
function answersOf(x: Tensor, inputs: ForwardInputs<MmoeOptions>): Tensor {
  const { expertDims, towerDims, norm } = inputs.options;
  const experts = stackedMlp(forEachMember(x), 'expert', expertDims, inputs, norm); // [K,B,n] or [T,K,B,n]
  const mixed = mixture(stackedLinear(x, 'gate', inputs.parameter), experts); // [H,B,n]
  return towers(mixed, 'tower', towerDims, inputs, norm);
}

export const mmoe: ModelDefinition<MmoeOptions> = {
  key: 'mmoe',
  title: 'MMoE',
  paper: 'Modeling Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts, KDD 2018',
  purpose: 'Shares experts between all heads; each head mixes them by its own gate.',
  equations: ['E_k = expert_k(x)', 'f_h = sum_k softmax(gate_h(x))_k E_k', 'logit_h = tower_h(f_h)'].join('\n'),
  options: mmoeOptions,
  trainDefaults: BASELINE_TRAINING,
  presets: presets({ experts: 8, expertDims: [512, 256], towerDims: [128, 64] }),
  parameters: (options, sizes) => parameters(options, inputWidth(options, sizes), sizes),
  buffers: (options, sizes) => {
    const { expert, tower } = parts(options, inputWidth(options, sizes), sizes);
    return [...stackedMlpBuffers('expert', expert), ...stackedMlpBuffers('tower', tower)];
  },
  forward,
  taskTop: headsAsTaskTop(parameters, answersOf),
  reference: MMOE_REFERENCE,
};
