/**
 * Tensors whose rows lie on several ranks, as rank 0 writes and reads them: one whole tensor, of which it holds a piece at a time. All ranks
 * call these functions together.
 */
import type { Collective } from '../../comm/contract.ts';
import {
  partsOf,
  type StoredTensor,
  type TensorArray,
  type TensorParts,
  type TensorStream,
  type TensorView,
} from '../../store/tensors.ts';
import { askRows, type OwnedRows, returnRows, writeRows } from '../../tables/owners.ts';
import { type Span, spanMover } from '../../tables/spans.ts';

/** What rank 0 gets or gives at a time. It has several copies of that on the way. */
const PIECE_BYTES = 1 << 24;

type Numbers = Float32Array | Int32Array;
type Owned = TensorParts & { ownedWidth: number };

export const isOwned = (tensor: TensorView | TensorParts): tensor is Owned =>
  'parts' in tensor && tensor.ownedWidth !== undefined;

const ownedRows = ({ parts, ownedWidth }: Owned): OwnedRows => ({ arrays: parts as Numbers[], width: ownedWidth });

const rowsOf = ({ shape, ownedWidth }: Owned): number => shape.reduce((product, n) => product * n, 1) / ownedWidth;

/** The tensor in the order of its rows. Rank 0 gets the pieces, each valid until the next one; others get empty ones, and send what they have. */
export function streamOf(ranks: Collective, tensor: Owned, pieceBytes = PIECE_BYTES): TensorStream {
  const owned = ownedRows(tensor);
  const { width } = owned;
  return {
    shape: tensor.shape,
    dtype: tensor.parts[0] instanceof Int32Array ? 'I32' : 'F32',
    async *pieces() {
      const rows = spanMover(ranks, owned, like(owned, 0));
      for (const span of spans(rowsOf(tensor), width, pieceBytes)) yield await rows.collect(span);
    },
  };
}

/** Gives each rank its rows of a tensor that rank 0 has; nothing changes if it has none. */
export async function distribute(
  ranks: Collective,
  tensor: Owned,
  stored: StoredTensor | undefined,
  pieceBytes = PIECE_BYTES,
): Promise<void> {
  const has = Int32Array.of(Number(stored !== undefined));
  await ranks.broadcast(has, 0);
  if (has[0] === 0) return;
  const take = stored && reader(stored);
  const owned = ownedRows(tensor);
  const rows = spanMover(ranks, owned, like(owned, 0));
  for (const span of spans(rowsOf(tensor), owned.width, pieceBytes))
    await rows.deal(span, (take?.((span.to - span.from) * owned.width) ?? []) as ArrayLike<number>);
}

/** Gives each rank its own of the rows that rank 0 has; the other ranks give none. */
export async function distributeRows(
  ranks: Collective,
  tensor: Owned,
  given: { rows: Int32Array; numbers: Numbers } | undefined,
): Promise<void> {
  const owned = ownedRows(tensor);
  const { width } = owned;
  const wanted = await askRows(ranks, given?.rows ?? NONE);
  const sent = like(owned, wanted.places.length * width);
  if (given !== undefined) writeRows({ arrays: [sent], width }, wanted.places, given.numbers);
  const arrived = like(owned, wanted.asked.length * width);
  await returnRows(ranks, wanted, sent, width, arrived);
  writeRows(owned, wanted.asked, arrived);
}

const NONE = new Int32Array(0);

const like = ({ arrays }: OwnedRows, length: number): Numbers =>
  arrays[0] instanceof Int32Array ? new Int32Array(length) : new Float32Array(length);

/** All rows, some at a time. */
function* spans(rows: number, width: number, bytes: number): Generator<Span, void> {
  const step = Math.max(1, Math.floor(bytes / (4 * width)));
  for (let from = 0; from < rows; from += step) yield { from, to: Math.min(rows, from + step) };
}

/** Reads a tensor in order, so many numbers at a time. */
export function reader(tensor: TensorView | TensorParts): (count: number) => TensorArray {
  const parts = partsOf(tensor)[Symbol.iterator]();
  let rest: TensorArray = new Float32Array(0);
  return (count) => {
    let [taken, at]: [TensorArray | undefined, number] = [undefined, 0];
    while (at < count) {
      if (rest.length === 0) rest = parts.next().value as TensorArray;
      taken ??= new (rest.constructor as new (length: number) => TensorArray)(count);
      const some = rest.subarray(0, count - at);
      taken.set(some as never, at);
      at += some.length;
      rest = rest.subarray(some.length);
    }
    return taken ?? rest;
  };
}
