/** Ranks that are processes: the contract over each MPI implementation that is installed. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runRanks } from '../../src/comm/memory.ts';
import { contractProgram } from './contract-program.ts';
import { alone, IMPLEMENTATIONS, linesOf, missing, overRanks, RANK } from './mpi.ts';

describe.each(IMPLEMENTATIONS)('%s', (implementation) => {
  const reason = missing(implementation);
  if (reason !== undefined) {
    test.skip(`skipped: ${reason}`, () => {});
    return;
  }

  test.each([2, 4])('%i ranks keep the contract, with the bits of ranks in memory', async (size) => {
    const ended = await overRanks(implementation, size, RANK, ['contract']);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const lines = linesOf(ended);
    const inMemory = await runRanks(size, (ranks) => contractProgram(ranks, 5, [0, 1, 5, 700, 5003]));
    expect(lines).toEqual(
      inMemory.map((bits, rank) => ({
        rank,
        size,
        bits,
        host: hostname(),
        version: expect.stringContaining(implementation),
      })),
    );
  });

  test('reduces views into memory of WebAssembly in place', async () => {
    const lines = linesOf(await overRanks(implementation, 3, RANK, ['wasm']));
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatchObject({ sums: [6], isRestUntouched: true });
  });

  test('what MPI refuses is an error of the catalogue', async () => {
    const ended = await overRanks(implementation, 2, RANK, ['bad root']);
    expect(ended.code).toBe(6);
    expect(linesOf(ended)[0]).toMatchObject({ code: 'MPI_FAILED', message: expect.stringContaining('MPI_Bcast of') });
  });

  test('one rank without a launcher', async () => {
    const name = implementation === 'Open MPI' ? 'libmpi.so.40' : 'libmpich.so.12';
    const ended = await alone(RANK, ['contract'], { TRIBUTARY_MPI_LIBRARY: name });
    expect(linesOf(ended)).toMatchObject([{ rank: 0, size: 1, version: expect.stringContaining(implementation) }]);
    expect(ended.code).toBe(0);
  });
});

test.skipIf(IMPLEMENTATIONS.some(missing))('a launcher of another MPI than the library', async () => {
  const ended = await overRanks('MPICH', 2, RANK, ['contract'], { TRIBUTARY_MPI_LIBRARY: 'libmpi.so.40' });
  expect(ended.code).toBe(6);
  expect(linesOf(ended)[0]).toMatchObject({
    code: 'RANKS_MISMATCH',
    message: expect.stringMatching(/2 ranks.* sees 1/),
  });
});

test('no library of MPI', async () => {
  const ended = await alone(RANK, ['contract'], { TRIBUTARY_MPI_LIBRARY: '/nowhere/libmpi.so' });
  expect(ended.code).toBe(6);
  expect(linesOf(ended)).toMatchObject([
    { code: 'MPI_LIBRARY_MISSING', message: expect.stringMatching(/nowhere.*apt-get install openmpi-bin/) },
  ]);
});

test('no koffi', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-comm-'));
  try {
    for (const name of ['src/base', 'src/comm', 'test/comm', 'package.json'])
      cpSync(name, join(folder, name), { recursive: true });
    const ended = await alone(join(folder, 'test/comm/rank.ts'), ['contract']);
    expect(linesOf(ended)).toMatchObject([
      { code: 'KOFFI_MISSING', message: expect.stringContaining('npm install koffi@') },
    ]);
    expect(ended.code).toBe(6);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
