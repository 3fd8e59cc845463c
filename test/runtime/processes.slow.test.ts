/** Sessions in processes of their own: on the main thread, in workers, and where there is no native binary. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

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
    });
  });
});

describe('an installation without onnxruntime-web', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-without-web-'));
  beforeAll(() => {
    for (const path of ['package.json', 'dist/base', 'dist/runtime'])
      cpSync(path, join(folder, path), { recursive: true });
    mkdirSync(join(folder, 'node_modules'));
    for (const name of ['onnxruntime-node', 'onnxruntime-common'])
      symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Code, message and exit code of the error of `loadBackend`, or the name of the backend. */
  async function load(choice: string, before = ''): Promise<unknown> {
    const script = `
      ${before}
      const { loadBackend } = await import('./dist/runtime/backends.js');
      const shown = ({ code, message, exitCode }) => ({ code, message, exitCode });
      console.log(JSON.stringify(await loadBackend('${choice}').then(({ name }) => name, shown)));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      cwd: folder,
      env: { ...process.env, TRIBUTARY_BACKEND: undefined },
    });
    return JSON.parse(stdout);
  }

  const INSTALL =
    /needs the package onnxruntime-web, which is not installed.*Install it.*: `npm install onnxruntime-web@1\.30\.0`/;

  test('runs on the native backend', async () => {
    expect(await load('auto')).toBe('node');
  });

  test('web names the package, its version and the command that installs it', async () => {
    expect(await load('web')).toEqual({
      code: 'BACKEND_NOT_INSTALLED',
      message: expect.stringMatching(INSTALL),
      exitCode: 6,
    });
  });

  test('auto on another platform says why node does not load, too', async () => {
    const elsewhere = `Object.defineProperty(process, 'platform', { value: 'haiku' });`;
    expect(await load('auto', elsewhere)).toEqual({
      code: 'BACKEND_NOT_INSTALLED',
      message: expect.stringMatching(/not installed, and the backend "node" does not load here: .*haiku.*npm install/s),
      exitCode: 6,
    });
  });
});
