/** The order of an answer: by falling score, or drawn at random with chances that the log keeps. */
import { drawOrder, orderMarginals, orderPropensity } from '../../evaluate/replay/plackett-luce.ts';
import type { Policy } from '../../events/event.ts';

/** How to draw an order. Equal seeds draw the same. */
export interface Exploration {
  temperature: number;
  seed: string;
}

export interface Order {
  /** Positions in the list of scores: those shown from the first position on, then the others by falling score. */
  items: number[];
  shown: number;
  policy: Policy;
  /** Of the items shown, where the order is random. */
  propensities?: { marginal?: number; log_prefix: number }[];
  /** Of the items shown, where they were drafted from several rankings; undefined for those that all had at the top. */
  teams?: (string | undefined)[];
}

/** Candidates up to which chances of positions are computed: the work doubles with each. */
const MARGINAL_CANDIDATES = 12;

type Scored = readonly { score: number }[];

/** The order of the list itself. */
export const orderGiven = (scored: Scored, shown: number): Order => ({
  items: scored.map((_, i) => i),
  shown,
  policy: { kind: 'deterministic' },
});

/** Equal scores keep the order of the list. */
export function orderOf(scored: Scored, shown: number, exploration: Exploration | undefined): Order {
  const byScore = scored.map((_, i) => i).sort((a, b) => scored[b].score - scored[a].score);
  if (exploration === undefined) return { items: byScore, shown, policy: { kind: 'deterministic' } };
  const scores = scored.map(({ score }) => score);
  const { temperature, seed } = exploration;
  const drawn = drawOrder(scores, shown, { temperature, seed });
  const { logCascade, logJoint } = orderPropensity(scores, drawn, temperature);
  const marginals = scores.length <= MARGINAL_CANDIDATES ? orderMarginals(scores, shown, temperature) : undefined;
  const isDrawn = new Set(drawn);
  return {
    items: [...drawn, ...byScore.filter((i) => !isDrawn.has(i))],
    shown,
    policy: { kind: 'plackett-luce', temperature, seed, log_joint: logJoint },
    propensities: drawn.map((i, position) => ({
      ...(marginals && { marginal: Math.min(marginals[i][position], 1) }),
      log_prefix: logCascade[position],
    })),
  };
}
