import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSegments } from '../../../src/events/segments/folder.ts';
import { readSegments } from '../../events/read-segments.ts';
import { signal, startCommand, until, workersOf } from '../command.ts';
import { artifact, REQUEST, temporaryFolder } from '../support.ts';

test('several processes, a change of the model, a killed worker, the end: every answer is in one log', async () => {
  const [first, second] = [artifact(), artifact({ seed: 2 })];
  const folder = join(temporaryFolder(), 'events');
  const service = await startCommand(first.folder, 2, { events: { folder, sync: 'interval' } });
  const answered: string[] = [];
  const rank = async (times: number): Promise<void> => {
    await Promise.all(
      Array.from({ length: times }, async () => {
        const request_id = `r${answered.push('')}`;
        const { status } = await service.ask('/v1/rank', { ...REQUEST, request_id });
        expect(status).toBe(200);
        answered[Number(request_id.slice(1)) - 1] = request_id;
      }),
    );
  };
  await rank(40);
  expect((await service.ask('/admin/models/test-model/load', { path: second.folder })).status).toBe(200);
  await rank(40);
  // What waited in a worker is written after 50 ms.
  await until(async () => /events_total\{kind="impression"\} 80/.test((await service.ask('/metrics')).text));
  const [worker] = workersOf(service.child);
  signal(worker, 'SIGKILL');
  await until(() => workersOf(service.child).length === 2 && !workersOf(service.child).includes(worker));
  await rank(20);
  service.child.kill('SIGTERM');
  expect(await service.ended).toBe(0);

  const found = new Map<string, string>();
  for await (const { events, damaged } of readSegments(folder)) {
    expect(damaged).toBe(0);
    for (const event of events) {
      if (event.kind !== 'impression') throw new Error(`found a ${event.kind}`);
      expect(found.has(event.request_id)).toBe(false);
      found.set(event.request_id, event.model);
    }
  }
  expect([...found.keys()].sort()).toEqual(answered.sort());
  const models = [first, second].map(({ manifest }) => `test-model@${manifest.id}`);
  expect(new Set(found.values())).toEqual(new Set(models));
  // The next start finishes the segment of the killed worker.
  await openSegments(folder).close();
  expect(readdirSync(folder).filter((name) => !name.endsWith('.jsonl'))).toEqual([]);
});
