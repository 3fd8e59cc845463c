/** One graph, two builds of ONNX Runtime: equal results. */
import { expect, test } from 'vitest';
import { compile } from '../../src/graph/index.ts';
import type { Value } from '../../src/runtime/contract.ts';
import { createSession } from '../../src/runtime/session.ts';
import { mlpTraining } from './networks.ts';
import { expectClose } from './support.ts';

test.each([1, 4096])('the training graph of an MLP on both backends (batch hint %i)', async (batchHint) => {
  const { outputs, feeds } = mlpTraining(64, [96, 64, 2]);
  const { bytes } = compile(outputs, { batchHint });
  const results: Record<string, Value>[] = [];
  for (const backend of ['node', 'web'] as const) {
    const session = await createSession(bytes, { backend, threads: 1 });
    expect(session.backend).toBe(backend);
    results.push(await session.run(feeds(50)));
    await session.release();
  }
  const [node, web] = results;
  for (const [name, value] of Object.entries(node)) expectClose(web[name], value, 1e-5, name);
});
