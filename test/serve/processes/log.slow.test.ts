import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { type Command, signal, startCommand, until, workersOf } from '../command.ts';
import { artifact, REQUEST } from '../support.ts';

/** Every request is a line, and refused ones are lines too. */
const LOUD = { log: { level: 'info', requests: 'all' } } as const;

/** Asks so often that every process has lines to write. */
async function use(service: Command, rounds = 20): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    const asked = [REQUEST, REQUEST, {}, REQUEST].map((body) => service.ask('/v1/rank', body));
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 400, 200]);
  }
}

async function lostLines(service: Command): Promise<number> {
  const { text } = await service.ask('/metrics');
  return Number(/^tributary_log_lines_lost_total (\d+)$/m.exec(text)?.[1]);
}

async function endsWell(service: Command): Promise<void> {
  service.child.kill('SIGTERM');
  expect(await service.ended).toBe(0);
}

test.each([1, 2])('%i process: a log whose reader has gone away ends nothing', async (workers) => {
  const service = await startCommand(artifact().folder, workers, LOUD);
  service.child.stderr?.destroy();
  service.child.stdout?.destroy();
  await use(service);
  expect(await lostLines(service)).toBeGreaterThan(40);
  if (workers === 2) {
    const [killed] = workersOf(service.child);
    signal(killed, 'SIGKILL'); // its end is a line of the primary
    await until(() => workersOf(service.child).length === 2 && !workersOf(service.child).includes(killed));
  }
  await endsWell(service);
});

test.runIf(existsSync('/dev/full'))('a log on a full disk ends nothing', async () => {
  const full = openSync('/dev/full', 'w');
  onTestFinished(() => closeSync(full));
  const service = await startCommand(artifact().folder, 2, LOUD, { stderr: full });
  await use(service);
  expect(await lostLines(service)).toBeGreaterThan(40);
  await endsWell(service);
});

test('a log whose reader stopped reading holds nothing, and memory is bounded', async () => {
  const reader = spawn('sleep', ['600'], { stdio: ['pipe', 'ignore', 'ignore'] });
  onTestFinished(() => void reader.kill('SIGKILL'));
  const { fd } = (reader.stdin as unknown as { _handle: { fd: number } })._handle;
  const service = await startCommand(artifact().folder, 1, LOUD, { stderr: fd });
  // A line has some 300 bytes: the socket and a megabyte behind it have to be filled.
  const body = JSON.stringify({ ...REQUEST, request_id: 'x'.repeat(128) });
  const headers = { 'content-type': 'application/json' };
  const ask = async () => (await fetch(`${service.address}/v1/rank`, { method: 'POST', headers, body })).text();
  for (let i = 0; i < 40 && !((await lostLines(service)) > 0); i++) await Promise.all(Array.from({ length: 200 }, ask));
  expect(await lostLines(service)).toBeGreaterThan(0);
  await use(service, 2);
  await endsWell(service);
});
