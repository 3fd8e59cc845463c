/**
 * Who sets the flow gates: the gate network, or, to measure what it is worth, chance or nobody. Gates that are not
 * learned are 0 or 1 in the search, too, so that all kinds of selection train for the same epochs.
 */
import { random } from '../../../base/random.ts';
import {
  abs,
  add,
  cast,
  greater,
  matmul,
  mul,
  oneHot,
  sigmoid,
  slice,
  stopGradient,
  sub,
  type Tensor,
} from '../../../graph/index.ts';
import type { FlowCells, Layer, ModelSizes, Step } from '../../contract.ts';
import { inputWidth } from '../../layers/fields.ts';
import { last, layer, times } from '../../layers/layer.ts';
import { linear, mlp } from '../../layers/linear.ts';
import { type AutoifsOptions, FLOWS, parts } from './options.ts';

/** Gate logits [B, 4*T], flow by flow; above 0 a flow is removed. No gradient reaches the embeddings. */
export function gateNetwork(options: AutoifsOptions, sizes: ModelSizes): Layer<[]> {
  const outputs = FLOWS.length * sizes.tasks;
  if (options.selection === 'random') return layer([], (step: Step) => coins(options, sizes, step));
  if (options.selection !== 'learned') return constantGates(options.selection, sizes);
  const { shared: dims } = parts(options);
  const hidden = mlp('gate', { inputs: inputWidth(options, sizes), dims, group: 'gate' });
  const head = linear('gate.head', { inputs: last(dims), outputs, group: 'gate' });
  return layer([hidden, head], (step: Step) => head(hidden(stopGradient(step.embedding), step), step)); // [B,4*T]
}

/** The same gates for all rows of a cell: 1 where its flow is closed, -1 where it is open. Until a run is made, all of a table are open. */
function constantGates(selection: 'keep' | 'remove' | { table: string | FlowCells }, sizes: ModelSizes): Layer<[]> {
  const { scenarios, tasks } = sizes;
  const table = typeof selection === 'string' ? selection : selection.table;
  const isOpen = (k: number, s: number, t: number): boolean =>
    typeof table === 'string' ? table !== 'remove' : table[k][s][t] === 1;
  const gates = times(scenarios, (s) => FLOWS.flatMap((_, k) => times(tasks, (t) => (isOpen(k, s, t) ? -1 : 1)))); // [S][4*T]
  return layer([], ({ scenario }: Step) => {
    const hot = oneHot(scenario, scenarios); // [B,S]
    return matmul(hot, hot.graph.constant(gates.flat(), [scenarios, FLOWS.length * tasks])); // [B,4*T]
  });
}

/** Gates [B, 4*T] of the search: soft where they learn. */
export const searchGates = (logits: Tensor, { selection }: AutoifsOptions, { scalar }: Step): Tensor =>
  selection === 'learned'
    ? sigmoid(mul(logits, scalar('temperature')))
    : cast(greater(logits, logits.graph.constant(0)), 'float32');

/**
 * Between -1/2 and 1/2, evenly: the fraction of a sum over the fields of one number of each embedding times a large factor.
 * Equal rows have equal coins. Only operations that round alike everywhere are used, no product of matrices: otherwise the
 * number of rows in a batch would decide about some of them.
 */
function coins({ embeddingDim }: AutoifsOptions, sizes: ModelSizes, { embedding }: Step): Tensor {
  const width = FLOWS.length * sizes.tasks;
  const generator = random('autoifs coins', sizes.fields, sizes.tasks);
  const detached = stopGradient(embedding);
  const ofFields = times(sizes.fields, (field) => {
    const factors = times(width, () => 1e5 * (1 + generator.uniform()));
    const first = slice(detached, 1, field * embeddingDim, field * embeddingDim + 1); // [B,1]
    return fraction(abs(mul(first, embedding.graph.constant(factors, [1, width])))); // [B,4*T]
  });
  return sub(fraction(ofFields.reduce((sum, one) => add(sum, one))), 0.5); // [B,4*T]
}

/** x - floor(x) for x >= 0. */
const fraction = (x: Tensor): Tensor => sub(x, cast(cast(x, 'int32'), 'float32'));
