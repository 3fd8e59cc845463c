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
import type { Tensor } from '../../graph/index.ts';
import { add, concat, expand, mul, oneHot, reshape, sigmoid, softmax, stopGradient, sub } from '../../graph/index.ts';
import { inputWidth } from '../layers/fields.ts';
import { headTowers, ownShares } from '../layers/heads.ts';
import { last, parameter, times } from '../layers/layer.ts';
import { linear, mlp } from '../layers/linear.ts';
import { weightedSum } from '../layers/mixture.ts';
import { starNetwork } from '../layers/star.ts';
import { defineModel, network } from '../network.ts';
import { baseline, modelOptions, positive, widths } from '../options.ts';

const options = modelOptions('m3oe', {
  starDim: positive.default(128).describe('numbers of a row after the star topology'),
  fusedDim: positive.default(64).describe('numbers of the fused row, which all experts read'),
  experts: positive.default(4).describe('experts that all heads share; there is one more per scenario and per task'),
  expertDims: widths.min(1).default([32]).describe('widths of each expert'),
  balanceFrom: z
    .enum(['validation', 'training'])
    .default('validation')
    .describe('rows that the four balances learn from: a batch of validation rows per epoch, or every training step'),
  balanceLearningRate: z.number().positive().default(1e-3).describe('learning rate of the balances on validation rows'),
});

export type M3oeOptions = z.output<typeof options>;

export const m3oe = defineModel({
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
  options,
  ...baseline({ starDim: 512, fusedDim: 256, expertDims: [64] }),
  validationGroup: ({ balanceFrom, balanceLearningRate: learningRate }) =>
    balanceFrom === 'validation' ? { group: 'balance', learningRate } : undefined,

  build(options, sizes) {
    const { starDim, fusedDim, experts: K, expertDims } = options;
    const { scenarios: S, tasks: T } = sizes;
    const [inputs, heads, norm] = [inputWidth(options, sizes), S * T, 'layer' as const];
    const star = starNetwork('star', { heads: S, inputs, dims: [starDim] });
    const fusion = mlp('fusion', { count: 1, inputs: starDim, dims: [fusedDim], norm });
    const skip = mlp('skip', { count: 1, inputs, dims: [fusedDim], norm });
    const expert = mlp('expert', { count: K + S + T, inputs: fusedDim, dims: expertDims, norm });
    const gate = linear('gate', { count: heads, inputs: fusedDim, outputs: K });
    const tower = headTowers('tower', 'product', sizes, { inputs: last(expertDims), dims: expertDims.slice(-1), norm });
    const [domainOf, taskOf] = [(h: number) => h % S, (h: number) => Math.floor(h / S)].map((of) => times(heads, of));
    const balances = ['domain', 'task', 'ownDomain', 'ownTask'].map((name) =>
      parameter(`balance.${name}`, [], { kind: 'ones' }, 'balance'),
    );

    return network([star, fusion, skip, expert, gate, tower, ...balances], (step) => {
      const { embedding: x, scenario } = step;
      const stars = star(x, step); // [S,B,n], every scenario's
      const own = reshape(oneHot(scenario, S), [1, 'B', S]);
      const v = weightedSum(own, stars); // [1,B,n]
      const fused = fusion(v, step); // [1,B,f]
      const u = reshape(add(fused, skip(x, step)), ['B', fusedDim]); // [B,f]
      const experts = expert(u, step); // [K+S+T,B,n]: shared, of domains, of tasks

      const gates = softmax(gate(stopGradient(u), step)); // [H,B,K]
      const [omegaD, omegaT, betaD, betaT] = balances.map((balance) => sigmoid(balance(step))); // [] each
      const ofDomains = mul(omegaD, ownAndOthers(betaD, domainOf, S)); // [H,S]
      const ofTasks = mul(omegaT, ownAndOthers(betaT, taskOf, T)); // [H,T]
      const fixed = reshape(concat([ofDomains, ofTasks], 1), [heads, 1, S + T]);
      const weights = concat([gates, expand(fixed, [heads, 'B', S + T])], 2); // [H,B,K+S+T]

      const { logits, diagnostics } = tower(weightedSum(weights, experts), step); // [B,T]
      return { logits, diagnostics: { ...diagnostics, weights }, gates: ownShares(gates, 'product', sizes, step) };
    });
  },
});

/** beta for the own expert of each head, whose index `ownOf` gives, (1 - beta) / (count - 1) for each other: [H, count]. */
function ownAndOthers(beta: Tensor, ownOf: readonly number[], count: number): Tensor {
  const table = (own: number, other: number): Tensor => {
    const weights = ownOf.flatMap((expert) => times(count, (i) => (i === expert ? own : other)));
    return beta.graph.constant(weights, [ownOf.length, count]);
  };
  return add(mul(beta, table(1, 0)), mul(sub(1, beta), table(0, 1 / Math.max(1, count - 1))));
}
