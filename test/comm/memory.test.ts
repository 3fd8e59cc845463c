/** Ranks inside one process, and one rank alone. */
import { describe, expect, test } from 'vitest';
import { checkAlike } from '../../src/comm/alike.ts';
import type { Collective } from '../../src/comm/contract.ts';
import { localCollective } from '../../src/comm/local.ts';
import { memoryGroup, runRanks } from '../../src/comm/memory.ts';
import { contractProgram } from './contract-program.ts';

test.each([1, 2, 3, 4, 7])('%i ranks in memory keep the contract, and agree on all bits', async (size) => {
  const bits = await runRanks(size, (ranks) => contractProgram(ranks, 5));
  expect(bits).toHaveLength(size);
  expect(new Set(bits).size).toBe(1);
});

test('one rank alone keeps the contract and sends nothing', async () => {
  const alone = localCollective();
  const [bits] = await runRanks(1, (ranks) => contractProgram(ranks, 5));
  expect(await contractProgram(alone, 5)).toBe(bits);
  expect(alone.bytesSent).toEqual({ allReduce: 0, allToAll: 0, allGather: 0, broadcast: 0 });
  await alone.close();
});

test('sums are rounded after each rank, in their order', async () => {
  const values = [2 ** 24, 1, 1, -(2 ** 24)].map((value) => Float32Array.of(value));
  await Promise.all(memoryGroup(4).map((ranks, rank) => ranks.allReduce(values[rank], 'sum')));
  expect(values.map(([value]) => value)).toEqual([0, 0, 0, 0]); // 2^24 + 1 is 2^24 in float32
});

test('counts what each rank sends', async () => {
  const sent = await runRanks(4, async (ranks) => {
    await ranks.allReduce(new Float32Array(100), 'sum');
    await ranks.broadcast(new Uint8Array(10), 2);
    await ranks.allGather(new Int32Array(10), Int32Array.of(1, 2, 3, 4));
    return { ...ranks.bytesSent };
  });
  expect(sent.map(({ allReduce }) => allReduce)).toEqual([600, 600, 600, 600]); // 2 x 400 bytes x 3/4
  expect(sent.map(({ allGather }) => allGather)).toEqual([12, 24, 36, 48]);
  expect(sent.map(({ broadcast }) => broadcast)).toEqual([0, 0, 30, 0]);
});

describe('ranks that do not fit together', () => {
  const failing = (program: (ranks: Collective) => Promise<unknown>) => runRanks(2, program);
  const code = 'COLLECTIVE_MISUSED';

  test('different collectives', async () => {
    const run = failing((ranks) => (ranks.rank === 0 ? ranks.barrier() : ranks.allReduce(Int32Array.of(1), 'sum')));
    await expect(run).rejects.toMatchObject({ code, message: expect.stringContaining('barrier on another rank') });
  });

  test('different lengths', async () => {
    const run = failing(({ rank, allReduce }) => allReduce(new Float32Array(2 + rank), 'sum'));
    await expect(run).rejects.toMatchObject({ code, message: expect.stringContaining('Float32Array[2]') });
  });

  test('counts that differ between sender and receiver', async () => {
    const run = failing(({ allToAll }) => {
      return allToAll(new Float32Array(4), Int32Array.of(2, 2), new Float32Array(4), Int32Array.of(2, 1));
    });
    await expect(run).rejects.toMatchObject({ code });
  });

  test('counts beyond an array, below 0, or not one for each rank', async () => {
    const [one] = memoryGroup(2);
    const call = (...counts: number[]) =>
      one.allToAll(new Int32Array(3), Int32Array.from(counts), new Int32Array(3), Int32Array.of(0, 0));
    await expect(call(2, 2)).rejects.toMatchObject({ code, message: expect.stringContaining('an array of 3') });
    await expect(call(2, -1)).rejects.toMatchObject({ code, message: expect.stringContaining('a count of -1') });
    await expect(call(2)).rejects.toMatchObject({ code, message: expect.stringContaining('one for each rank') });
  });

  test('parts beyond an array, or not one for each rank', async () => {
    const [one] = memoryGroup(2);
    const call = (...counts: number[]) => one.allGather(new Int32Array(3), Int32Array.from(counts));
    await expect(call(2, 2)).rejects.toMatchObject({ code, message: expect.stringContaining('an array of 3') });
    await expect(call(2)).rejects.toMatchObject({ code, message: expect.stringContaining('one for each rank') });
  });

  test('a rank that fails ends those that wait for it', async () => {
    const waits: unknown[] = [];
    const run = failing(async (ranks) => {
      if (ranks.rank === 1) throw new Error('lost');
      await ranks.barrier().catch((cause: unknown) => waits.push(cause));
      await ranks.barrier();
    });
    await expect(run).rejects.toThrow('lost');
    expect(waits).toEqual([new Error('lost')]);
  });
});

test('what differs between ranks ends all of them: RANKS_DIFFER', async () => {
  await runRanks(3, (ranks) => checkAlike(ranks, { command: 'train' }));
  const ends = await Promise.allSettled(
    memoryGroup(3).map((ranks) =>
      checkAlike(ranks, { run: 'a', command: ranks.rank === 2 ? 'train --seed 2' : 'train' }),
    ),
  );
  for (const end of ends)
    expect(end).toMatchObject({
      reason: {
        code: 'RANKS_DIFFER',
        details: { rank: 2, what: 'command', found: 'train --seed 2', expected: 'train' },
      },
    });
});
