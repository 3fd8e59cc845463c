/**
 * M3oE: multi-domain multi-task mixture of experts (Zhang et al., SIGIR 2024, arXiv 2404.18465). Scenarios are fused by star
 * topology; shared, domain and task experts then read the fused row, and each head takes its share of them.
 *
 * The four balances beta, omega are sigmoids of scalars, which learn from validation rows: chosen on the rows they train on,
 * the experts' shares would only fit these better.
 *
 * Own kernels W_s start at 1 (layers/star.ts). The authors draw both factors at random, so that v starts near 0.
 */
import { z } from 'zod';
import {
  add,
  concat,
  expand,
  mul,
  oneHot,
  reshape,
  sigmoid,
  softmax,
  stopGradient,
  sub,
  type Tensor,
} from '../../graph/index.ts';
import type { ForwardInputs, ForwardOutputs, ModelDefinition, ModelSizes, ParameterSpec } from '../contract.ts';
import { ownHeads, towerParameters, towers, weightedSum } from '../layers/heads.ts';
import { stackedLinear, stackedLinearParameters, stackedMlp, stackedMlpParameters } from '../layers/stack.ts';
import { starNetwork, starParameters } from '../layers/star.ts';
import { BASELINE_TRAINING, commonOptions, presets, widths } from '../options.ts';
import { M3OE_REFERENCE } from '../references/m3oe.ts';

const width = z.int().min(1);

const m3oeOptions = z.strictObject({
  key: z.literal('m3oe').default('m3oe'),
  ...commonOptions,
  starDim: width.default(128).describe('numbers of a row after the star topology'),
  fusedDim: width.default(64).describe('numbers of the fused row, which all experts read'),
  experts: z
    .int()
    .min(1)
    .default(4)
    .describe('experts that all heads share; there is one more per scenario and per task'),
  expertDims: widths.min(1).default([32]).describe('widths of each expert'),
  balanceFrom: z
    .enum(['validation', 'training'])
    .default('validation')
    .describe('rows that the four balances learn from: a batch of validation rows per epoch, or every training step'),
  balanceLearningRate: z.number().positive().default(1e-3).describe('learning rate of the balances on validation rows'),
});

export type M3oeOptions = z.output<typeof m3oeOptions>;
type Inputs = ForwardInputs<M3oeOptions>;

const BALANCES = ['domain', 'task', 'ownDomain', 'ownTask'] as const;

function parameters(options: M3oeOptions, { fields, scenarios, tasks }: ModelSizes): ParameterSpec[] {
  const { embeddingDim, starDim, fusedDim, experts, expertDims } = options;
  const inputs = fields * embeddingDim;
  const heads = scenarios * tasks;
  const answer = expertDims.at(-1) as number;
  const norm = 'layer';
  return [
    ...starParameters('star', { heads: scenarios, inputs, dims: [starDim] }),
    ...stackedMlpParameters('fusion', { count: 1, inputs: starDim, dims: [fusedDim], norm }),
    ...stackedMlpParameters('skip', { count: 1, inputs, dims: [fusedDim], norm }),
    ...stackedMlpParameters('expert', { count: experts + scenarios + tasks, inputs: fusedDim, dims: expertDims, norm }),
    ...stackedLinearParameters('gate', heads, fusedDim, experts),
    ...towerParameters('tower', { count: heads, inputs: answer, dims: [answer], norm }),
    ...BALANCES.map(
      (name): ParameterSpec => ({
        name: `balance.${name}`,
        shape: [],
        initializer: { kind: 'ones' },
        group: 'balance',
      }),
    ),
  ];
}

function forward(inputs: Inputs): ForwardOutputs {
  const { expertDims } = inputs.options;
  const u = fusedRow(inputs); // [B,f]
  const experts = stackedMlp(u, 'expert', expertDims, inputs, 'layer'); // [K+S+T,B,n]
  const weights = expertWeights(u, inputs); // [H,B,K+S+T]
  const mixed = weightedSum(weights, experts); // [H,B,n]
  const answers = towers(mixed, 'tower', expertDims.slice(-1), inputs, 'layer'); // [B,H]
  return { logits: ownHeads(answers, 'product', inputs), diagnostics: { answers, weights } };
}

/** u [B, f]: each row through its own scenario's kernel, beside a layer that all scenarios share. */
function fusedRow(inputs: Inputs): Tensor {
  const { options, sizes, embedding: x, scenario } = inputs;
  const stars = starNetwork(x, 'star', [options.starDim], inputs); // [S,B,n], every scenario's
  const own = reshape(oneHot(scenario, sizes.scenarios), [1, 'B', sizes.scenarios]);
  const v = weightedSum(own, stars); // [1,B,n]
  const fused = stackedMlp(v, 'fusion', [options.fusedDim], inputs, 'layer'); // [1,B,f]
  const skip = stackedMlp(x, 'skip', [options.fusedDim], inputs, 'layer'); // [1,B,f]
  return reshape(add(fused, skip), ['B', options.fusedDim]);
}

/** How each head weighs shared, domain and task experts, in this order: [H, B, K+S+T]. */
function expertWeights(u: Tensor, { sizes, parameter }: Inputs): Tensor {
  const { scenarios, tasks } = sizes;
  const heads = scenarios * tasks;
  const gates = softmax(stackedLinear(stopGradient(u), 'gate', parameter)); // [H,B,K]
  const [omegaD, omegaT, betaD, betaT] = BALANCES.map((name) => sigmoid(parameter(`balance.${name}`))); // [] each
  const domains = mul(
    omegaD,
    ownAndOthers(betaD, heads, scenarios, (head) => head % scenarios),
  ); // [H,S]
  const perTask = mul(
    omegaT,
    ownAndOthers(betaT, heads, tasks, (head) => Math.floor(head / scenarios)),
  ); // [H,T]
  const fixed = reshape(concat([domains, perTask], 1), [heads, 1, scenarios + tasks]);
  return concat([gates, expand(fixed, [heads, 'B', scenarios + tasks])], 2);
}

/** beta for a head's own expert, (1 - beta) / (count - 1) for each other: [H, count]. */
function ownAndOthers(beta: Tensor, heads: number, count: number, ownOf: (head: number) => number): Tensor {
  const table = (own: number, other: number): Tensor =>
    beta.graph.constant(
      Array.from({ length: heads * count }, (_, i) => (i % count === ownOf(Math.floor(i / count)) ? own : other)),
      [heads, count],
    );
  return add(mul(beta, table(1, 0)), mul(sub(1, beta), table(0, 1 / Math.max(1, count - 1))));
}

export const m3oe: ModelDefinition<M3oeOptions> = {
  key: 'm3oe',
  title: 'M3oE',
  paper: 'M3oE: Multi-Domain Multi-Task Mixture-of-Experts Recommendation Framework, SIGIR 2024, arXiv 2404.18465',
  purpose: 'Mixes shared, domain and task experts of a fused row, in proportions that are themselves learned.',
  equations: [
    'v = x (W * W_s) + c + c_s',
    'u = LN-MLP(v) + LN-MLP(x)                               LN-MLP: product, layer norm, ReLU',
    'M_h = sum_k softmax(gate_h(sg(u)))_k X_k(u)             X_k: shared experts; sg: no gradient passes',
    "D_s = beta_d Y_s(u) + (1 - beta_d) / (S - 1) sum of the other Y_s'(u)",
    "T_t = beta_t Z_t(u) + (1 - beta_t) / (T - 1) sum of the other Z_t'(u)",
    'logit_h = tower_h(M_h + omega_d D_s + omega_t T_t)      h = t*S + s',
  ].join('\n'),
  options: m3oeOptions,
  trainDefaults: BASELINE_TRAINING,
  presets: presets({ starDim: 512, fusedDim: 256, expertDims: [64] }),
  parameters,
  forward,
  validationGroup: ({ balanceFrom, balanceLearningRate: learningRate }) =>
    balanceFrom === 'validation' ? { group: 'balance', learningRate } : undefined,
  reference: M3OE_REFERENCE,
};
