/**
 * What every implementation of `Collective` must do: random payloads of all types and many sizes, against results that
 * each rank computes alone, since it knows what the others bring. Returns a hash of all results: equal on all ranks.
 */
import { createHash } from 'node:crypto';
import { random } from '../../src/base/random.ts';
import type { Collective, ReduceOp, Reducible, Sendable } from '../../src/comm/contract.ts';
import { gatherJson } from '../../src/comm/json.ts';

const REDUCIBLE: Constructor<Reducible>[] = [Float32Array, Float64Array, Int32Array];
const SENDABLE: Constructor<Sendable>[] = [...REDUCIBLE, Uint32Array, Uint8Array];
const LENGTHS = [0, 1, 2, 3, 7, 64, 1000];

export async function contractProgram(
  ranks: Collective,
  seed: number,
  lengths: readonly number[] = LENGTHS,
): Promise<string> {
  const bits = createHash('sha256');
  const take = (values: Sendable): void => void bits.update(bytesOf(values));
  for (const [round, length] of lengths.entries()) {
    for (const Type of REDUCIBLE) {
      for (const op of ['sum', 'max'] as const) {
        const key = [seed, round, Type.name, op];
        const values = payload(Type, length, [...key, ranks.rank]);
        await ranks.allReduce(values, op);
        check(`allReduce ${key}`, values, reduced(Type, length, op, key, ranks.size));
        take(values);
      }
    }
    for (const Type of SENDABLE) {
      await exchange(ranks, Type, length, [seed, round, Type.name]);
      take(await gather(ranks, Type, length, [seed, round, Type.name]));
      const root = random('root', seed, round, Type.name).below(ranks.size);
      const values = payload(Type, length, [seed, round, 'broadcast', ranks.rank]);
      await ranks.broadcast(values, root);
      check(`broadcast ${Type.name}`, values, payload(Type, length, [seed, round, 'broadcast', root]));
      take(values);
    }
    await ranks.barrier();
  }
  await ranks.idleBarrier();
  const texts = await gatherJson(ranks, { rank: ranks.rank, text: 'é'.repeat(ranks.rank) });
  texts.forEach(({ rank, text }, r) => {
    if (rank !== r || text.length !== r)
      throw new Error(`gatherJson: rank ${rank} with ${text.length} letters at ${r}`);
  });
  return bits.digest('hex');
}

type Key = (string | number)[];
type Constructor<A> = new (length: number) => A;

/** Magnitudes from 1e-6 to 1e6: the order of a sum shows in its bits. */
function payload<A extends Sendable>(Type: Constructor<A>, length: number, key: Key): A {
  // A view into the middle of a buffer, like those of the training's memory.
  const whole = new Type(length + 3);
  const values = whole.subarray(2, 2 + length) as A;
  const { next } = random('payload', ...key);
  const isFloat = values instanceof Float32Array || values instanceof Float64Array;
  for (let i = 0; i < length; i++)
    values[i] = isFloat ? (next() / 2 ** 31 - 1) * 10 ** ((next() % 13) - 6) : next() >> 4;
  return values;
}

/** Element by element, in the order of ranks. */
function reduced(Type: Constructor<Reducible>, length: number, op: ReduceOp, key: Key, size: number): Reducible {
  const all = Array.from({ length: size }, (_, rank) => payload(Type, length, [...key, rank]));
  const round = Type === Float32Array ? Math.fround : (value: number) => value;
  const result = new Type(length);
  for (let i = 0; i < length; i++) {
    const column = all.map((values) => values[i]);
    result[i] = op === 'max' ? Math.max(...column) : column.reduce((total, value) => round(total + value));
  }
  return result;
}

/** Counts are random, and 0 in a third of all pairs. The arrays are longer than their counts. */
async function exchange<A extends Sendable>(ranks: Collective, Type: Constructor<A>, length: number, key: Key) {
  const { rank, size } = ranks;
  const count = (from: number, to: number): number => {
    const { next } = random('count', ...key, from, to);
    return next() % 3 === 0 ? 0 : next() % (length + 1);
  };
  const part = (from: number, to: number): A => payload(Type, count(from, to), [...key, from, to]);
  const others = Array.from({ length: size }, (_, other) => other);
  const joined = (parts: A[]): A => {
    const values = new Type(parts.reduce((total, one) => total + one.length, 3));
    let start = 0;
    for (const one of parts) {
      values.set(one, start);
      start += one.length;
    }
    return values;
  };
  const send = joined(others.map((to) => part(rank, to)));
  const expected = joined(others.map((from) => part(from, rank)));
  const recv = new Type(expected.length);
  const sendCounts = Int32Array.from(others, (to) => count(rank, to));
  const recvCounts = Int32Array.from(others, (from) => count(from, rank));
  const before = ranks.bytesSent.allToAll;
  await ranks.allToAll(send, sendCounts, recv, recvCounts);
  check(`allToAll ${key}`, recv, expected);
  const sent = others.reduce((total, to) => total + (to === rank ? 0 : count(rank, to)), 0) * send.BYTES_PER_ELEMENT;
  if (ranks.bytesSent.allToAll - before !== sent) throw new Error(`allToAll ${key}: counted other bytes than ${sent}`);
}

/** Parts of random sizes, some of them empty. */
async function gather<A extends Sendable>(
  ranks: Collective,
  Type: Constructor<A>,
  length: number,
  key: Key,
): Promise<A> {
  const { rank, size } = ranks;
  const parts = Array.from({ length: size }, (_, r) => {
    const { next } = random('part', ...key, r);
    return payload(Type, next() % 3 === 0 ? 0 : next() % (length + 1), [...key, 'gather', r]);
  });
  const counts = Int32Array.from(parts, (part) => part.length);
  const starts = Array.from(counts, (_, r) => counts.slice(0, r).reduce((sum, count) => sum + count, 0));
  const values = new Type(starts[size - 1] + counts[size - 1]);
  values.set(parts[rank], starts[rank]);
  await ranks.allGather(values, counts);
  for (const [r, part] of parts.entries())
    check(`allGather ${key}`, values.subarray(starts[r], starts[r] + part.length), part);
  return values;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Sendable) => Buffer.from(buffer, byteOffset, byteLength);

function check(what: string, found: Sendable, expected: Sendable): void {
  if (bytesOf(found).equals(bytesOf(expected))) return;
  const at = found.findIndex((value, i) => value !== expected[i]);
  throw new Error(`${what}: element ${at} of ${found.length} is ${found[at]}, not ${expected[at]}`);
}
