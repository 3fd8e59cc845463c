import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { ADMIN_KEY, artifact, serving } from '../support.ts';

/** The compiled program, which has the thread's. */
const { startService }: typeof import('../../../src/serve/processes/service.ts') = await import(
  pathToFileURL(resolve('dist/serve/processes/service.js')).href
);

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

const REQUEST = {
  scenario: 'home',
  user: { user: 'u1' },
  items: Array.from({ length: 50 }, (_, id) => ({ id, item: id })),
};

/** Memory once what can go has gone. */
async function settledMemory(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    collect();
    await new Promise((done) => setTimeout(done, 50));
  }
  return process.memoryUsage().rss;
}

test.each([
  { where: 'the thread of the server', ownThread: false, swaps: 15, rollbacks: 2 },
  { where: 'a thread of its own', ownThread: true, swaps: 50, rollbacks: 5 },
])(
  'ONNX Runtime in $where: $swaps swaps and $rollbacks rollbacks under load: none fails, no answer is mixed, memory comes back',
  async ({ ownThread, swaps, rollbacks }) => {
    const both = [artifact(), artifact({ seed: 2 })];
    const client = await serving([both[0].folder], { ownThread }, startService);
    const expected = new Map<string, string>();
    for (const { folder, manifest } of both) {
      const { body } = await (await serving([folder])).ask('/v1/rank', REQUEST);
      expected.set(`test-model@${manifest.id}`, JSON.stringify(body.items));
    }
    let isOver = false;
    let answers = 0;
    const ask = async (): Promise<void> => {
      while (!isOver) {
        const { status, body } = await client.ask('/v1/rank', REQUEST);
        expect(status).toBe(200);
        expect(JSON.stringify(body.items)).toBe(expected.get(body.model));
        answers++;
      }
    };
    const swap = async (i: number): Promise<void> => {
      const { status } = await client.ask(
        '/admin/models/test-model/load',
        { path: both[i % 2].folder },
        { authorization: `Bearer ${ADMIN_KEY}` },
      );
      expect(status).toBe(200);
    };
    const load = Promise.all([ask(), ask(), ask()]);
    try {
      for (let i = 1; i <= 10; i++) await swap(i); // until caches and heaps have their size
      const before = await settledMemory();
      for (let i = 1; i <= swaps; i++) await swap(i);
      for (let i = 0; i < rollbacks; i++)
        expect((await client.admin('/admin/models/test-model/rollback', {})).status).toBe(200);
      const after = await settledMemory();
      console.log(
        JSON.stringify({ answers, megabytesBefore: Math.round(before / 1e6), megabytesAfter: Math.round(after / 1e6) }),
      );
      expect(after).toBeLessThan(before * 1.1);
    } finally {
      isOver = true;
      await load;
    }
  },
);
