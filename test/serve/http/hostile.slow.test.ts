import { expect, test } from 'vitest';
import { startCommand } from '../command.ts';
import { artifact } from '../support.ts';
import { HOSTILE } from './hostile.ts';

/** Seconds of one core: what a body may cost at most where nothing else runs is a third of it. */
const MOST = 0.5;

test('no body of 8 MiB takes the service away from others', async () => {
  const { address } = await startCommand(artifact().folder);
  const cpu = async (): Promise<number> =>
    Number(/^process_cpu_seconds_total (.*)$/m.exec(await (await fetch(`${address}/metrics`)).text())?.[1]);
  const costs: Record<string, number> = {};
  for (const [name, make] of Object.entries(HOSTILE)) {
    const body = make();
    const path = body.startsWith('{"inputs"') ? '/v2/models/test-model/infer' : '/v1/rank';
    const before = await cpu();
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(address + path, { method: 'POST', headers, body });
    const answer = await response.text();
    costs[name] = (await cpu()) - before;
    expect([name, response.status]).toEqual([name, expect.toSatisfy((status: number) => status < 500)]);
    expect(answer.length).toBeLessThan(10_000);
  }
  console.log(costs);
  for (const [name, seconds] of Object.entries(costs))
    expect([name, seconds < MOST ? 'cheap' : seconds]).toEqual([name, 'cheap']);
});
