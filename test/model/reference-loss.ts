/** A model's loss in float64: its forward function evaluated from the definitions of the ops, the loss from its own. */
import { nodesBefore, type Tensor } from '../../src/graph/index.ts';
import { buildForward } from '../../src/inference/graphs/forward.ts';
import { evaluate, type Numbers } from '../graph/evaluate.ts';
import { type Feeds, type Setup, sum } from './support.ts';

/** The loss by its definition, from logits [B,T] and penalties [B]: one number per task, and the penalties' sum. */
export function lossOf(logits: Numbers, penalties: Numbers[], feeds: Feeds): { tasks: number[]; penalty: number } {
  const tasks = logits.shape[1];
  const perTask = new Array<number>(tasks).fill(0);
  logits.data.forEach((z, i) => {
    const cost = Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - feeds.labels.data[i] * z;
    perTask[i % tasks] += feeds.lossWeights.data[i] * cost;
  });
  const penalty = penalties.reduce(
    (sum, { data }) => data.reduce((inner, value, row) => inner + value * feeds.rowWeights.data[row], sum),
    0,
  );
  return { tasks: perTask, penalty };
}

/** Logits [B,T] as scoring gives them. */
export const referenceLogits = (setup: Setup, feeds: Feeds): Numbers => {
  const { logits } = buildForward(setup, false).forward;
  return evaluate({ logits }, feeds, feeds.embedding.shape[0]).logits;
};

export interface ReferenceLoss {
  logits: Numbers;
  tasks: number[];
  penalty: number;
  total: number;
}

/**
 * The loss on the rows of `feeds`, as a function of inputs that move away from them. What stops gradients is held still, so
 * that differences of the total are the gradient. Only what the moved inputs reach is computed anew.
 */
export function referenceLoss(setup: Setup, feeds: Feeds): (moved?: Record<string, Numbers>) => ReferenceLoss {
  const [rows] = feeds.embedding.shape;
  const { forward } = buildForward(setup, true);
  const outputs: Record<string, Tensor> = { logits: forward.logits };
  for (const [name, penalty] of Object.entries(forward.penalties ?? {})) outputs[`penalty ${name}`] = penalty;
  const nodes = nodesBefore(...Object.values(outputs));
  const there = evaluate(Object.fromEntries(nodes.map((node) => [node.id, node])), feeds, rows);
  return (moved = {}) => {
    const reached = reachedBy(moved, nodes);
    const still = nodes.filter(({ id }) => !reached.has(id)).map((node) => [node, there[node.id]] as const);
    const { logits, ...penalties } = evaluate(outputs, { ...feeds, ...moved }, rows, still);
    const { tasks, penalty } = lossOf(logits, Object.values(penalties), feeds);
    return { logits, tasks, penalty, total: sum(tasks) + penalty };
  };
}

/** Ids of the nodes, inputs first, whose values some inputs change. */
function reachedBy(inputs: Record<string, Numbers>, nodes: readonly Tensor[]): Set<number> {
  const reached = new Set<number>();
  for (const node of nodes) {
    const moves = node.op === 'input' && (node as Tensor<'input'>).attributes.name in inputs;
    if (moves || (node.op !== 'stopGradient' && node.inputs.some(({ id }) => reached.has(id)))) reached.add(node.id);
  }
  return reached;
}

/** The slope of the total along directions of some inputs. */
export function slopeAlong(
  loss: (moved?: Record<string, Numbers>) => ReferenceLoss,
  feeds: Feeds,
  directions: Record<string, ArrayLike<number>>,
): number {
  const at = (step: number): number =>
    loss(
      Object.fromEntries(
        Object.entries(directions).map(([name, direction]) => {
          const { shape, data } = feeds[name];
          return [name, { shape, data: Float64Array.from(data, (value, i) => value + step * direction[i]) }];
        }),
      ),
    ).total;
  return (at(1e-5) - at(-1e-5)) / 2e-5;
}
