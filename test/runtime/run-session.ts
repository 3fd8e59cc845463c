/**
 * Adds two numbers in a session and prints what came of it as JSON. Arguments: backend, threads, and
 * `main`, `worker` (in a worker thread) or `elsewhere` (as if on a platform without a native binary).
 */
import { Worker } from 'node:worker_threads';
import type { SessionOptions, Value } from '../../src/runtime/contract.ts';
import { createSession } from '../../src/runtime/session.ts';
import { model, type TensorSpec } from './models.ts';

const [script, backend, threads, place] = process.argv.slice(1);

if (place === 'worker')
  new Worker('./node_modules/jiti/lib/jiti-cli.mjs', { argv: [script, backend, threads, 'main'] });
else await run();

async function run(): Promise<void> {
  if (place === 'elsewhere') Object.defineProperty(process, 'platform', { value: 'haiku' });
  Object.defineProperty(globalThis, 'fetch', { value: () => Promise.reject(new Error('the network was asked')) });
  const [x, y, sum] = ['x', 'y', 'sum'].map((name): TensorSpec => ({ name, type: 'float32', shape: [1] }));
  const one = (value: number): Value => ({ type: 'float32', shape: [1], data: Float32Array.of(value) });
  try {
    const options = { backend, threads: Number(threads) } as SessionOptions;
    const session = await createSession(model([x, y], [['Add', ['x', 'y'], ['sum']]], [sum]), options);
    const result = await session.run({ x: one(2), y: one(3) });
    await session.release();
    print({ backend: session.backend, sum: result.sum.data[0] });
  } catch (cause) {
    const { code, message } = cause as { code: string; message: string };
    print({ code, message });
  }
}

function print(value: object): void {
  console.log(JSON.stringify(value));
}
