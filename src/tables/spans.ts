/**
 * Consecutive rows of a table that lies on several ranks (owners.ts), as rank 0 writes and reads them. All ranks know which rows each of
 * them has, so that nobody needs to ask.
 */
import { type OwnedRows, type Owners, rowsOwned } from './owners.ts';

type Numbers = Float32Array | Int32Array;

/** Rows [from, to). */
export interface Span {
  from: number;
  to: number;
}

/** Moves rows of a table to rank 0 and back, some at a time. All ranks make the same calls. */
export interface SpanMover<A extends Numbers> {
  /** Gives rank 0 the numbers of rows, in their order: valid until the next call. Other ranks send what they have of them, and get nothing. */
  collect(span: Span): Promise<A>;
  /** Gives each rank its own of the rows, whose numbers rank 0 has in their order; the other ranks give none. */
  deal(span: Span, inOrder: ArrayLike<number>): Promise<void>;
}

/** `none`: no numbers, of the type of the rows. It has room for the longest span so far: new memory for each would cost more than the moves. */
export function spanMover<A extends Numbers>(ranks: Owners, owned: OwnedRows<A>, none: A): SpanMover<A> {
  const { width } = owned;
  const isLead = ranks.rank === 0;
  const [ofOwners, ofOrder, ofOwn] = [scratch(none), scratch(none), scratch(none)];
  return {
    async collect(span) {
      const sent = numbersOf(owned, ownSpan(span, ranks), none);
      const length = isLead ? (span.to - span.from) * width : 0;
      const [byOwner, inOrder] = [ofOwners(length), ofOrder(length)];
      await ranks.allToAll(sent, withLead(sent.length, ranks), byOwner, countsOf(span, ranks, width));
      if (isLead) intoOrder(byOwner, inOrder, span, ranks.size, width);
      return inOrder;
    },
    async deal(span, inOrder) {
      const own = ownSpan(span, ranks);
      const byOwner = ofOwners(inOrder.length);
      if (isLead) outOfOrder(inOrder, byOwner, span, ranks.size, width);
      const arrived = ofOwn((own.to - own.from) * width);
      await ranks.allToAll(byOwner, countsOf(span, ranks, width), arrived, withLead(arrived.length, ranks));
      eachArray(owned, own, (array, at, from, count) => array.set(arrived.subarray(from, from + count), at));
    },
  };
}

/** An array of the length that is asked for, whatever it holds. */
function scratch<A extends Numbers>(none: A): (length: number) => A {
  let room = none;
  return (length) => {
    if (room.length < length) room = like(none, length);
    return room.subarray(0, length) as A;
  };
}

/** Of rows [from, to), those of a rank, as it numbers its own. */
const ownSpan = ({ from, to }: Span, rank: Pick<Owners, 'rank' | 'size'>): Span => ({
  from: rowsOwned(from, rank),
  to: rowsOwned(to, rank),
});

/** How many numbers of rows each rank has, on rank 0; others have nothing to do with these. */
const countsOf = (span: Span, { rank, size }: Owners, width: number): Int32Array =>
  Int32Array.from({ length: size }, (_, owner) => {
    const { from, to } = ownSpan(span, { rank: owner, size });
    return rank === 0 ? (to - from) * width : 0;
  });

/** So many numbers from or to rank 0, none of others. */
function withLead(count: number, { size }: Owners): Int32Array {
  const counts = new Int32Array(size);
  counts[0] = count;
  return counts;
}

/** Rows that lie one after another by owner -> rows in their order. */
function intoOrder(byOwner: Numbers, inOrder: Numbers, span: Span, size: number, width: number): void {
  eachRow(span, size, width, (at, place) => {
    for (let d = 0; d < width; d++) inOrder[place + d] = byOwner[at + d];
  });
}

/** The other way round. */
function outOfOrder(inOrder: ArrayLike<number>, byOwner: Numbers, span: Span, size: number, width: number): void {
  eachRow(span, size, width, (at, place) => {
    for (let d = 0; d < width; d++) byOwner[at + d] = inOrder[place + d];
  });
}

/** Calls back with the place of each row's numbers, by owner and in order. */
function eachRow(span: Span, size: number, width: number, visit: (byOwner: number, inOrder: number) => void): void {
  let at = 0;
  for (let owner = 0; owner < size; owner++) {
    const { from, to } = ownSpan(span, { rank: owner, size });
    for (let row = from; row < to; row++, at += width) visit(at, (row * size + owner - span.from) * width);
  }
}

/** The numbers of rows of this rank: in place where one array has them all. `none`: where it has no rows. */
function numbersOf<A extends Numbers>(owned: OwnedRows<A>, own: Span, none: A): A {
  const found: A[] = [];
  eachArray(owned, own, (array, at, _, count) => found.push(array.subarray(at, at + count) as A));
  if (found.length <= 1) return found[0] ?? none;
  const all = like(none, (own.to - own.from) * owned.width);
  let end = 0;
  for (const part of found) {
    all.set(part, end);
    end += part.length;
  }
  return all;
}

/** Calls back with each array that has some of the rows: their place in it, their place among all of them, and how many numbers. */
function eachArray<A extends Numbers>(
  { arrays, width }: OwnedRows<A>,
  { from, to }: Span,
  visit: (array: A, at: number, from: number, count: number) => void,
): void {
  let before = 0;
  for (const array of arrays) {
    const [first, end] = [Math.max(from * width, before), Math.min(to * width, before + array.length)];
    if (first < end) visit(array, first - before, first - from * width, end - first);
    before += array.length;
  }
}

const like = <A extends Numbers>(of: A, length: number): A => new (of.constructor as new (length: number) => A)(length);
