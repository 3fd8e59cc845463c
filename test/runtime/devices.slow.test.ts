/** Asking for a GPU that is not there. devices.long.test.ts computes on one in software. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { fixture } from '../data/support.ts';

const COMMAND = join(import.meta.dirname, '../../bin/tributary.js');

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

const tributary = (words: string[], env: Record<string, string> = {}): Promise<Ended> =>
  promisify(execFile)(process.execPath, [COMMAND, ...words], {
    env: { ...process.env, ...env },
    maxBuffer: 2 ** 26,
  }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: Ended) => ({ code, stdout, stderr }),
  );

test('a device that is not there is an error that says how to get it', async () => {
  const nowhere = { VK_ICD_FILENAMES: '/nowhere', VK_DRIVER_FILES: '/nowhere' };
  const words = ['parity', fixture('.'), '--only', 'models/shared-bottom/base'];
  const webgpu = await tributary([...words, '--device', 'webgpu'], nowhere);
  expect(webgpu.stdout + webgpu.stderr).toMatch(/there is no device "webgpu" here: .*Vulkan loader/s);
  const cuda = await tributary([...words, '--device', 'cuda']);
  if (cuda.code !== 0)
    expect(cuda.stdout + cuda.stderr).toMatch(/there is no device "cuda" here: .*ONNXRUNTIME_NODE_INSTALL/s);
  const web = await tributary(['evaluate', 'nothing', '--device', 'webgpu', '--backend', 'web']);
  expect(web).toMatchObject({ code: 2, stderr: expect.stringContaining('--backend web computes on the CPU') });
});
