/** The thread runs the compiled program, as `tributary serve` starts it. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Value } from '../../src/runtime/contract.ts';
import { createSession } from '../../src/runtime/session.ts';
import { model } from './models.ts';

const { startSessionThread }: typeof import('../../src/runtime/session-thread.ts') = await import(
  pathToFileURL(resolve('dist/runtime/session-thread.js')).href
);

const square = { type: 'float32' as const, shape: ['B', 'B'] };
const product = (...names: [string, string, string]) =>
  model(
    names.slice(0, 2).map((name) => ({ name, ...square })),
    [['MatMul', names.slice(0, 2), names.slice(2)]],
    [{ name: names[2], ...square }],
  );

function start(backend: 'node' | 'web') {
  const thread = startSessionThread(backend);
  onTestFinished(() => thread.close());
  return thread;
}

/** Numbers that no short sum gives exactly: [n, n], a view into the middle of a buffer. */
function matrix(n: number, seed: number): Value {
  const all = Float32Array.from({ length: n * n + 20 }, (_, i) => Math.sin(seed + i) / 3);
  return { type: 'float32', shape: [n, n], data: all.subarray(10, 10 + n * n) };
}

describe.each(['node', 'web'] as const)('the backend %s in a thread of its own', (backend) => {
  test('gives the bits of this thread, whoever asks in between', async () => {
    const thread = start(backend);
    const options = { backend, threads: 1 };
    const [first, second] = await Promise.all([
      thread.createSession(product('a', 'b', 'y'), options),
      thread.createSession(product('p', 'q', 'r'), options),
    ]);
    expect([first.backend, first.inputs, first.outputs]).toEqual([backend, ['a', 'b'], ['y']]);
    expect([second.inputs, second.outputs]).toEqual([['p', 'q'], ['r']]);
    const here = await createSession(product('a', 'b', 'y'), options);
    onTestFinished(() => here.release());
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const [a, b] = [matrix(3 + i, i), matrix(3 + i, -i)];
        const [{ y }, { r }, expected] = [
          await first.run({ a, b }),
          await second.run({ p: b, q: a }),
          await here.run({ a, b }),
        ];
        expect(y).toEqual(expected.y);
        expect(r).toEqual((await here.run({ a: b, b: a })).y);
      }),
    );
    await first.release();
    expect((await second.run({ p: matrix(2, 1), q: matrix(2, 2) })).r.shape).toEqual([2, 2]);
  });

  test('errors keep their codes, and end nothing', async () => {
    const thread = start(backend);
    const junk = Uint8Array.of(1, 2, 3);
    await expect(thread.createSession(junk, { backend })).rejects.toMatchObject({ code: 'SESSION_REFUSED' });
    const session = await thread.createSession(product('a', 'b', 'y'), { backend });
    await expect(session.run({ a: matrix(2, 1) })).rejects.toMatchObject({ code: 'RUN_INPUTS' });
    await expect(session.run({ a: matrix(2, 1), b: matrix(3, 1) })).rejects.toMatchObject({ code: 'RUN_FAILED' });
    expect((await session.run({ a: matrix(2, 1), b: matrix(2, 1) })).y.shape).toEqual([2, 2]);
  });
});

test('this thread goes on while the other runs', async () => {
  const session = await start('node').createSession(product('a', 'b', 'y'), { backend: 'node', threads: 1 });
  const [a, b] = [matrix(1500, 1), matrix(1500, 2)];
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await session.run({ a, b });
  clearInterval(timer);
  expect(turns).toBeGreaterThan(3); // about 50 ms; of a run in this thread none
});
