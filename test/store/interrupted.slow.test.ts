/** Saving checkpoints and taking locks in processes that are killed, or that come all at once. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { latestCheckpoint, loadCheckpoint, saveCheckpoint } from '../../src/store/run/checkpoint.ts';
import { temporaryFolder } from './temporary.ts';

/** Starts a process on one of the scripts beside this file (TypeScript, by the loader that also reads configurations). */
function start(script: string, folder: string): ChildProcess & { lines: string[] } {
  const child = spawn(process.execPath, ['node_modules/jiti/lib/jiti-cli.mjs', `test/store/${script}`, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
    lines.splice(0, lines.length, ...text.split('\n').slice(0, -1));
  });
  return Object.assign(child, { lines });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2);
}

test('a kill at any moment of saving leaves the last checkpoint loadable', async () => {
  const folder = join(temporaryFolder(), 'checkpoints');
  for (let round = 0; round < 12; round++) {
    const child = start('save-forever.ts', folder);
    await until(() => child.lines.length > 0);
    await sleep(Math.random() * 60);
    child.kill('SIGKILL');
    await once(child, 'close');
    const acknowledged = Number(child.lines.at(-1));

    for (const checkpoint of [latestCheckpoint(folder)!, loadCheckpoint(folder, 'best')]) {
      const { step } = checkpoint.position;
      expect(checkpoint.state).toEqual({ step });
      const { data } = checkpoint.tensors.get('weights')!;
      expect([data.length, (data as Float32Array).every((value) => value === step)]).toEqual([1 << 19, true]);
    }
    const newest = latestCheckpoint(folder)!.position.step;
    expect([acknowledged, acknowledged + 1]).toContain(newest);
  }
});

test('of many processes one takes over the lock of a dead one', async () => {
  const dead = spawnSync(process.execPath, ['--version']).pid;
  for (let round = 0; round < 3; round++) {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'lock.1'), JSON.stringify({ pid: dead, host: hostname() }));
    const children = Array.from({ length: 5 }, () => start('take-lock.ts', folder));
    await until(() => children.every(({ lines }) => lines.length === 1)); // all are ready
    writeFileSync(join(folder, 'go'), '');
    await until(() => children.every(({ lines }) => lines.length === 2));
    expect(children.map(({ lines }) => lines[1]).sort()).toEqual([...new Array(4).fill('RUN_LOCKED'), 'taken']);
    expect(readdirSync(folder)).toEqual(['go', 'lock.2']);
    for (const child of children) child.kill('SIGKILL');
  }
});

test('a full disk leaves the checkpoints before it', ({ skip }) => {
  const folder = join(temporaryFolder(), 'disk');
  mkdirSync(folder);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder]);
  skip(mounted.status !== 0, 'needs the right to mount a small disk');
  try {
    const save = (length: number) =>
      saveCheckpoint(folder, {
        position: { phase: 'search', epoch: 0, step: length },
        state: {},
        tensors: [['weights', { shape: [length], data: new Float32Array(length) }]],
      });
    save(1000);
    expect(() => save(1_000_000)).toThrow(
      expect.objectContaining({ code: 'DISK_FULL', exitCode: 6, message: expect.stringContaining('Free some space') }),
    );
    expect(readdirSync(folder)).toEqual(['000001.json', '000001.safetensors']);
    expect(latestCheckpoint(folder)!.position.step).toBe(1000);
    save(2000);
    expect(latestCheckpoint(folder)!.position.step).toBe(2000);
  } finally {
    spawnSync('umount', [folder]);
  }
});
