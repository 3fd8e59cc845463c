/** Sessions in processes of their own: on the main thread, in workers, and where there is no native binary. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

/** What run-session.ts prints. A process that does not end by itself is stopped, which fails the test. */
async function run(...args: string[]): Promise<unknown> {
  const script = ['node_modules/jiti/lib/jiti-cli.mjs', 'test/runtime/run-session.ts', ...args];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, script, {
    timeout: 60_000,
    env: { ...process.env, TRIBUTARY_BACKEND: undefined },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

describe.each(['node', 'web'])('the backend %s', (backend) => {
  test.each([
    ['1', 'main'],
    ['2', 'main'],
    ['1', 'worker'],
    ['2', 'worker'],
  ])('runs with %s threads in the %s thread, asks no network, and lets the process end', async (threads, place) => {
    expect(await run(backend, threads, place)).toEqual({ backend, sum: 5 });
  });
});

describe('on a platform without a native binary', () => {
  test('auto takes web', async () => {
    expect(await run('auto', '1', 'elsewhere')).toEqual({ backend: 'web', sum: 5 });
  });

  test('node says so', async () => {
    expect(await run('node', '1', 'elsewhere')).toEqual({
      code: 'BACKEND_UNAVAILABLE',
      message: expect.stringMatching(/the backend "node" does not load on haiku.*Reinstall/s),
      backends: [
        { name: 'node', available: false, reason: expect.stringContaining('haiku') },
        { name: 'web', available: true },
      ],
    });
  });
});
