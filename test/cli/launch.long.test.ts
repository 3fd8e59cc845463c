/** `tributary launch` with each MPI implementation that is installed, and verbs under launchers. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { IMPLEMENTATIONS, LAUNCHERS, missing } from '../comm/mpi.ts';
import { temporaryFolder } from '../store/temporary.ts';
import { whileRunning } from './ranks.ts';
import { tributary } from './spawn.ts';

const COMMAND = resolve('bin/tributary.js');

describe.each(IMPLEMENTATIONS)('%s', (implementation) => {
  const reason = missing(implementation);
  if (reason !== undefined) {
    test.skip(`skipped: ${reason}`, () => {});
    return;
  }
  const { command, options } = LAUNCHERS[implementation];
  const launch = ['launch', '--mpirun', command, '--ranks', '2', '--'];

  test('runs a verb over ranks; rank 0 alone prints', () => {
    const { code, out, err } = tributary([...launch, 'bench', 'comm', '--sizes', '64', '--calls', '2', '--json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const [line, ...more] = out.trim().split('\n');
    expect(more).toEqual([]);
    expect(JSON.parse(line)).toMatchObject({ event: 'result', ranks: 2, timings: [{ bytes: 64 }, { bytes: 64 }] });
  });

  // SIGABRT is how a process ends that has no memory left for its objects.
  test.each(['SIGKILL', 'SIGABRT'] as const)('a rank that ends by %s ends all, with one error', async (signal) => {
    const calls = signal === 'SIGKILL' ? '1000003' : '1000005';
    const { code, err } = await whileRunning([...launch, 'bench', 'comm', '--calls', calls], (ranks) =>
      process.kill(ranks[1], signal),
    );
    expect(code).toBe(6);
    expect(err.match(/^error /gm)).toHaveLength(1);
    const named = implementation === 'MPICH' && signal !== 'SIGKILL' ? `(${signal}|a signal)` : signal; // it mixes the numbers of signals
    expect(err).toMatch(new RegExp(`^error RANK_LOST: a rank ended by ${named} .* start again$`, 'm'));
  });

  test('without `tributary launch`, too, a rank that fails ends those that wait for it', () => {
    // Rank 0 finds no run, and rank 1 waits for it within MPI.
    const { code, err } = tributary(['resume', '/nowhere'], { prefix: [command, ...options, '-np', '2'] });
    expect({ code, errors: err.match(/error \w+/g) }).toEqual({ code: 4, errors: ['error RUN_NOT_FOUND'] });
  });

  test('a rank that fails before it joins ends those that wait for it to join', () => {
    const rank = (calls: string) => ['-np', '1', process.execPath, COMMAND, 'bench', 'comm', '--calls', calls];
    const { status, stderr } = spawnSync(command, [...options, ...rank('many'), ':', ...rank('5')], {
      encoding: 'utf8',
    });
    expect({ status, errors: stderr.match(/error \w+/g) }).toEqual({ status: 2, errors: ['error USAGE'] });
  });

  // The rest is ours, not the launcher's.
  if (implementation === 'MPICH' && missing('Open MPI') === undefined) return;

  test('a mistake is reported once, with its exit code', () => {
    const { code, out, err } = tributary([...launch, 'bench', 'comm', '--calls', 'many']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err.match(/error USAGE/g)).toHaveLength(1);
  });

  test('a verb that knows nothing of ranks is refused, with the launcher or without', () => {
    const words = ['prepare', 'synthetic', '--out', '/nowhere'];
    const said =
      /^error RANKS_NOT_SUPPORTED: `tributary prepare` does not run over several ranks.*evaluate, compare, bench comm$/m;
    expect(tributary([...launch, ...words])).toMatchObject({ code: 2, err: expect.stringMatching(said) });
    const raw = tributary(words, { prefix: [command, ...options, '-np', '2'] });
    expect(raw).toMatchObject({ code: 2, err: expect.stringMatching(said) });
    expect(raw.err.match(/RANKS_NOT_SUPPORTED/g)).toHaveLength(1);
  });

  test('Ctrl-C reaches all ranks', async () => {
    const { code, err } = await whileRunning([...launch, 'bench', 'comm', '--calls', '1000004'], (_, launcher) =>
      process.kill(launcher, 'SIGINT'),
    );
    expect(code).toBe(130);
    expect(err).not.toContain('error ');
  });
});

test('a launcher that is not there, and one of no known MPI', () => {
  const launch = (mpirun: string) => tributary(['launch', '--mpirun', mpirun, '--ranks', '2', '--', 'bench', 'comm']);
  const missing = launch('/nowhere/mpirun');
  expect(missing).toMatchObject({
    code: 6,
    err: expect.stringMatching(/LAUNCHER_MISSING.*apt-get install openmpi-bin/),
  });
  expect(launch(process.execPath)).toMatchObject({ code: 6, err: expect.stringContaining('LAUNCHER_UNKNOWN') });
});

test.skipIf(missing('MPICH'))('a rank that fails while others join ends them', () => {
  const folder = temporaryFolder();
  const mpirun = join(folder, 'mpirun');
  // Rank 0 gets an option more. MPICH waits for ranks that never join.
  const lines = ['#!/bin/sh', '[ "$1" = --version ] && exec mpirun.mpich --version', 'shift 2'];
  lines.push('exec mpirun.mpich -np 1 "$@" --calls many : -np 1 "$@"');
  writeFileSync(mpirun, `${lines.join('\n')}\n`, { mode: 0o755 });
  const { code, err } = tributary(['launch', '--mpirun', mpirun, '--ranks', '2', '--', 'bench', 'comm']);
  expect({ code, errors: err.match(/error /g) }).toEqual({ code: 2, errors: ['error '] });
});

test.skipIf(missing('Open MPI'))('a launcher that fails by itself', () => {
  const launch = ['launch', '--mpirun', 'mpirun.openmpi', '--ranks', '2', '--', 'bench', 'comm'];
  const prefix = ['env', 'OMPI_MCA_plm=nothing']; // how it starts processes
  expect(tributary(launch, { prefix })).toMatchObject({
    code: 6,
    err: expect.stringContaining('error LAUNCHER_FAILED'),
  });
});
