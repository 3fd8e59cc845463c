/** A queue before a sink that is slow and refuses: lines are stored once, in order and unchanged, in memory that is used again. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type EventLine, lineOfParts } from '../../src/events/line.ts';
import { createEventQueue, type EventQueue } from '../../src/events/queue.ts';
import type { EventSink } from '../../src/events/sink.ts';

const lineWith = (text: string): EventLine =>
  lineOfParts({ event_id: text.slice(0, 8), kind: 'impression', time: 1 }, [text]);

const emptied = async (queue: EventQueue): Promise<void> => {
  while (queue.counts().waitingBytes > 0) await new Promise((done) => setTimeout(done, 1));
};

const pause = (): Promise<void> => new Promise((done) => setImmediate(done));

/** Keeps the texts of the lines that it took, and which memory they were in. */
function textSink(
  refuses: (batch: number) => boolean,
): EventSink & { texts: string[]; memories: Set<ArrayBufferLike> } {
  const [texts, memories] = [[] as string[], new Set<ArrayBufferLike>()];
  let batches = 0;
  return {
    texts,
    memories,
    async append(lines) {
      const before = lines.map(({ bytes }) => bytes.toString());
      await pause();
      // Nothing was written over them while the sink worked.
      expect(lines.map(({ bytes }) => bytes.toString())).toEqual(before);
      for (const { bytes } of lines) memories.add(bytes.buffer);
      if (refuses(batches++)) throw new Error('refused');
      texts.push(...before);
    },
    close: async () => {},
  };
}

test('lines reach the sink unchanged, whatever their size, while it refuses some', async () => {
  const size = fc.oneof(
    fc.integer({ min: 10, max: 3000 }),
    fc.constantFrom(1 << 19, (1 << 20) - 1, 1 << 20, 2 ** 20 + 5),
  );
  const plan = fc.record({
    sizes: fc.array(size, { minLength: 1, maxLength: 60 }),
    refused: fc.array(fc.nat(6), { maxLength: 1 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ sizes, refused }) => {
      const sink = textSink((batch) => refused.includes(batch));
      const queue = createEventQueue(sink, { bytes: 5e6, gatherMs: 0, onState: () => {} });
      const taken: string[] = [];
      for (const [i, bytes] of sizes.entries()) {
        const text = `${i} `.padEnd(bytes, String.fromCharCode(97 + (i % 26)));
        if (queue.add(lineWith(text))) taken.push(`${text}\n`);
        if (i % 3 === 0) await pause();
      }
      await emptied(queue);
      await queue.close(5000);
      const stored = sink.texts.filter((text) => !text.includes('"kind":"gap"'));
      expect(stored).toHaveLength(taken.length);
      expect(stored.every((text, i) => text === taken[i])).toBe(true);
    }),
    { numRuns: 12 },
  );
});

test('a hundred megabytes of lines pass through a few megabytes of memory', async () => {
  const sink = textSink(() => false);
  sink.texts.push = () => 0; // the texts are not kept
  const queue = createEventQueue(sink, { bytes: 64e6, gatherMs: 0, onState: () => {} });
  const text = 'x'.repeat(20_000);
  for (let i = 0; i < 5000; i++) {
    expect(queue.add(lineWith(text))).toBe(true);
    if (i % 50 === 49) await emptied(queue);
  }
  expect(await queue.close(5000)).toBe(0);
  expect(sink.memories.size).toBeLessThan(6);
}, 60_000);
