import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';

test('a training whose process runs out of memory each time is given up, with what it wrote last', async () => {
  const path = pathToFileURL(resolve('dist/study/pool.js')).href;
  const { openPool } = (await import(/* @vite-ignore */ path)) as typeof import('../../src/study/pool.ts');
  vi.stubEnv('NODE_OPTIONS', '--max-old-space-size=5'); // the pool's processes inherit it
  onTestFinished(() => void vi.unstubAllEnvs());
  const outcome = await openPool(1).train({ folder: resolve('test/upgrade/0.1/run') });
  expect(outcome).toMatchObject({
    kind: 'failed',
    error: {
      code: 'WORKER_DIED',
      exitCode: 6,
      message: expect.stringMatching(
        /died 4 times, the last time by signal SIG\w+:\n.*If memory ran out, lower --workers/s,
      ),
    },
  });
});
