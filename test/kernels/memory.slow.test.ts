import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

/** Asks for an arena of 3 GiB in a process that the system gives less. */
const SCRIPT = `
  const { loadKernels } = await import(${JSON.stringify(resolve('dist/kernels/index.js'))});
  const codes = [];
  for (const name of ['wasm', 'plain'])
    try {
      (await loadKernels(name)).createArena(3 * 2 ** 30);
    } catch ({ code, exitCode }) {
      codes.push([name, code, exitCode]);
    }
  console.log(JSON.stringify(codes));`;

test.skipIf(process.platform !== 'linux')('memory that the system refuses is an error of the machine', () => {
  const words = ['-c', 'ulimit -v 3000000; exec "$0" --input-type=module -e "$1"', process.execPath, SCRIPT];
  const { stdout } = spawnSync('sh', words, { encoding: 'utf8' });
  expect(JSON.parse(stdout)).toEqual([
    ['wasm', 'MEMORY_UNAVAILABLE', 6],
    ['plain', 'MEMORY_UNAVAILABLE', 6],
  ]);
});
