/**
 * Layout: chooses the [B, n] values that are stored as [n, B]. A product of few columns and many rows runs 5-10 %
 * faster transposed, and the sums over the batch for bias gradients become contiguous. The choice spreads through
 * elementwise ops; Gemm reads either storage for free. It pays for long batches only.
 */
import { ruleOf } from '../ops/table.ts';
import { isBatchMatrix } from '../shape.ts';
import { isOp, type Tensor } from '../tensor.ts';

/** Batches shorter than this keep plain storage: measured, small layers would be slower. */
const LONG_BATCH = 2048;
/** A graph whose products all have fewer multiply-adds per row than this keeps plain storage. */
const LARGE_PRODUCT = 64 * 64;

/** Ids of the nodes to store transposed. `nodes` are in order, inputs first. */
export function planLayout(
  nodes: readonly Tensor[],
  outputs: readonly Tensor[],
  batchHint: number,
): ReadonlySet<number> {
  const flipped = new Set<number>();
  if (batchHint < LONG_BATCH || !nodes.some((node) => isLarge(node, batchHint))) return flipped;
  const wantsPlain = onlyPlainConsumers(nodes, outputs);
  for (const node of nodes) {
    if (!isBatchMatrix(node.shape)) continue;
    const isFlipped = (input: Tensor): boolean => flipped.has(input.id);
    const layout = ruleOf(node).layout;
    const flip =
      layout === 'elementwise'
        ? node.inputs.some((input) => isFlipped(input) && input.shape[1] === node.shape[1])
        : layout === 'axis'
          ? node.inputs.some(isFlipped)
          : layout === 'matmul' && !wantsPlain.has(node.id);
    if (flip) flipped.add(node.id);
  }
  return flipped;
}

function isLarge(node: Tensor, batchHint: number): boolean {
  if (!isOp(node, 'matmul') || !isBatchMatrix(node.shape)) return false;
  const inner = node.inputs[1].shape[node.attributes.transposeB ? 1 : 0];
  const columns = node.shape[1] as number;
  return typeof inner === 'number' && inner * columns >= LARGE_PRODUCT && columns < batchHint;
}

/** Nodes whose readers all need plain storage: outputs and `natural` ops. */
function onlyPlainConsumers(nodes: readonly Tensor[], outputs: readonly Tensor[]): Set<number> {
  const plain = new Set(outputs.map((output) => output.id));
  const other = new Set<number>();
  for (const node of nodes)
    for (const input of node.inputs) (ruleOf(node).layout === 'natural' ? plain : other).add(input.id);
  for (const id of other) plain.delete(id);
  return plain;
}
