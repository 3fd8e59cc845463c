/**
 * DTRN: deep task-specific bottom representation network (CIKM 2023). Tasks that share their embeddings and interests are in
 * conflict there; DTRN gives each task a bottom of its own, made of interests (interests.ts) and refined fields
 * (refinement.ts), and any multi-task model may stand on these.
 *
 * There is no public code, and we could not read the paper's full text: what the abstract and reviews leave open (options say
 * so by their defaults) is our reading.
 */
import { inputWidth } from '../../layers/fields.ts';
import { defineModel, network } from '../../network.ts';
import { baseline } from '../../options.ts';
import { interestModule } from './interests.ts';
import { normsOfRows } from './norms.ts';
import { dtrnOptions, dtrnProblems, embeddingCount, readSequences } from './options.ts';
import { refinement } from './refinement.ts';
import { topOf } from './tops.ts';

export const dtrn = defineModel({
  key: 'dtrn',
  title: 'DTRN',
  paper: 'Deep Task-specific Bottom Representation Network for Multi-Task Recommendation, CIKM 2023, arXiv 2308.05996',
  purpose: 'Gives each task its own bottom: interests from behaviour sequences and refined features.',
  equations: [
    'h(t, k) = hyper([task_t ; type_k])',
    'gamma_1, beta_1, gamma_2, beta_2 = 1 + h_0, h_1, 1 + h_2, h_3',
    'H = CLN(X_k + MHSA(X_k); gamma_1, beta_1)',
    "X_k' = CLN(H + FFN(H); gamma_2, beta_2)",
    "u_tk = sum_l softmax_l(X_kl' . target / sqrt(d)) X_kl'",
    'A_t = [e ; u_t1 .. u_tK]',
    'a_t = c sigmoid(W_t1 relu(W_t0 squeeze(A_t)))',
    'bottom_t = [a_t1 A_t1 ; .. ; a_tM A_tM]',
    'logit_t = top_t(bottom_1 .. bottom_T)',
  ].join('\n'),
  options: dtrnOptions,
  problems: dtrnProblems,
  ...baseline({ ffnDim: 64, top: { key: 'tower', towerDims: [128, 64] } }),

  build(options, sizes) {
    const sequences = readSequences(options, sizes);
    const TIM = sequences && interestModule(options, sizes, sequences);
    const TRM = refinement(options, sizes);
    const interestWidth = (embeddingCount(options, sizes) - sizes.fields) * options.embeddingDim;
    const top = topOf(options, inputWidth(options, sizes) + interestWidth, sizes);
    return network([...(TIM ? [TIM] : []), TRM, top], (step) => {
      const u = TIM?.(step); // interests [T,B,K,d]
      const { bottoms, weights } = TRM(u?.interests, step); // [T,B,M*d], [T,B,M]
      const logits = top(bottoms, step); // [B,T]
      const interests = u && { interests: u.interests, norms: normsOfRows(u.norms, options, step) };
      return { logits, diagnostics: { bottoms, weights, ...interests } };
    });
  },
});
