/** Two ramps of scripts/experiment-study.js: simulated users, a service as a process, models that were trained for it. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../serve/support.ts';

test('over HTTP a better model is shipped, and a worse one is rolled back', () => {
  const out = join(temporaryFolder(), 'study');
  const sizes = ['--seeds', '1', '--cases', 'better,worse', '--users', '2000'];
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/experiment-study.js', out, ...sizes], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  console.log(stdout);
  const { ramps } = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8'));
  const [better, worse] = ramps;
  expect(better).toMatchObject({ case: 'better', decision: 'ship', isRight: true });
  expect(better.sentence).toMatch(
    /^treatment: ship: click \+0\.\d+ \(\+0\.\d+ to \+0\.\d+\) is above 0; like per unit/,
  );
  expect(better.truth.treatment).toBeGreaterThan(1.05 * better.truth.control);
  expect(worse).toMatchObject({ case: 'worse', decision: 'roll back', isRight: true });
  expect(worse.steps.at(-1)).toBe(0);
  expect(worse.truth.treatment).toBeLessThan(0.9 * worse.truth.control);
});
