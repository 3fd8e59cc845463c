/** A folder that takes the place of another, in a process that is killed before and after every call that changes something. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { recoverFolder, writeFolder } from '../../src/base/folders.ts';
import { isAlive, thisProcess } from '../../src/base/marks.ts';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-folders-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const write = (folder: string, content: string): Promise<void> =>
  writeFolder(
    folder,
    async (staging) => {
      mkdirSync(join(staging, 'inner'));
      for (const name of ['a', 'inner/b', 'inner/c']) writeFileSync(join(staging, name), content);
    },
    () => {},
  );

/** The one content of a whole folder. */
function contentOf(folder: string): string {
  const contents = new Set(['a', 'inner/b', 'inner/c'].map((name) => readFileSync(join(folder, name), 'utf8')));
  expect([...contents]).toHaveLength(1);
  expect(readdirSync(folder).sort()).toEqual(['a', 'inner']);
  return [...contents][0];
}

test.each(['', 'old'])(
  'killed at every step, where "%s" was before: the next reader finds the old folder or the new one',
  async (before) => {
    const parent = temporaryFolder();
    const folder = join(parent, 'out');
    const found: string[] = [];
    for (let at = 1; ; at += before === '' ? 3 : 1) {
      rmSync(folder, { recursive: true, force: true });
      if (before !== '') await write(folder, before);
      const { signal, status, stderr } = spawnSync(
        process.execPath,
        ['--require', resolve('test/base/kill-at.cjs'), 'test/base/write-once.mjs', folder, 'new'],
        { env: { ...process.env, KILL_AT: String(at) }, encoding: 'utf8' },
      );
      // As a reader does: no writer comes in between.
      recoverFolder(folder);
      if (existsSync(folder)) found.push(contentOf(folder));
      else {
        expect(before).toBe('');
        found.push('');
      }
      if (signal === null) {
        expect([status, stderr]).toEqual([0, '']);
        break;
      }
      if (at % 5 === 0) await write(folder, before === '' ? 'next' : before); // the next writer leaves nothing else
      if (at % 5 === 0) expect(readdirSync(parent)).toEqual(['out']);
    }
    expect(new Set(found)).toEqual(new Set([before, 'new']));
    expect(found).toEqual([...found].sort((a, b) => Number(a === 'new') - Number(b === 'new'))); // once new, always new
    expect(found.length).toBeGreaterThan(before === '' ? 10 : 20);
  },
);

test('a process that ended counts as dead though nobody has asked how', async () => {
  // A parent that does not wait for its child: the child stays as a zombie.
  const parent: ChildProcess = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const [line] = await once(parent.stdout as NodeJS.ReadableStream, 'data');
  const mark = { pid: Number(String(line)), host: hostname() };
  await sleep(300);
  expect(readFileSync(`/proc/${mark.pid}/stat`, 'utf8')).toMatch(/\) Z /);
  expect(isAlive(mark)).toBe(false);
  expect(isAlive(thisProcess())).toBe(true);
  expect(isAlive({ ...thisProcess(), started: '1' })).toBe(false); // its number came again
  expect(isAlive({ pid: mark.pid, host: 'elsewhere' })).toBe(true);
});
