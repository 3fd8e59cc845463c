import { MessageChannel } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { error } from '../../src/base/errors/index.ts';
import { type Channel, createLink, type Handlers } from '../../src/base/link.ts';

/** Two linked sides; the first asks. */
function linked(handlers: Handlers, seconds = 5) {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  createLink(port2 as Channel, handlers);
  return createLink(port1 as Channel, {}, { peer: 'worker 7', seconds });
}

test('answers come back, and errors keep their code', async () => {
  const link = linked({
    double: (n: number) => 2 * n,
    refuse: () => {
      throw error('SWAP_RUNNING', {});
    },
    break: async () => {
      throw new Error('broken');
    },
  });
  expect(await Promise.all([1, 2, 3].map((n) => link.ask('double', n)))).toEqual([2, 4, 6]);
  await expect(link.ask('refuse')).rejects.toMatchObject({ code: 'SWAP_RUNNING' });
  await expect(link.ask('break')).rejects.toThrow('broken');
});

test('a question without an answer fails after its time, and a late answer is not taken for another', async () => {
  const link = linked({ wait: (ms: number) => new Promise((done) => setTimeout(() => done(ms), ms)) }, 0.05);
  await expect(link.ask('wait', 200)).rejects.toMatchObject({
    code: 'WORKER_SILENT',
    message: expect.stringContaining('worker 7 did not answer "wait" within 0.05 s'),
  });
  expect(await link.ask('wait', 250, 5)).toBe(250);
});

test('a cut link fails what is open and what is asked later', async () => {
  const link = linked({ never: () => new Promise(() => {}) });
  const open = link.ask('never');
  link.cut(error('SWAP_FAILED', { reason: 'gone' }));
  await expect(open).rejects.toMatchObject({ code: 'SWAP_FAILED' });
  await expect(link.ask('never')).rejects.toMatchObject({ code: 'SWAP_FAILED' });
});
