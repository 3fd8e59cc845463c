/** A join that is killed at any moment leaves the rows of one before it, as a whole; the next one goes on. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { random } from '../../../src/base/random.ts';
import { artifact, temporaryFolder } from '../../serve/support.ts';
import { addSegment, CONFIG, DAY, drawLog, type Event, rowsOf, START } from './logs.ts';
import { referenceRows } from './reference.ts';

const LATER = START + 100 * DAY;
const KILLS = 20;

test('killed at random moments', async () => {
  const { folder } = artifact();
  const [log, out] = [join(temporaryFolder(), 'log'), join(temporaryFolder(), 'rows')];
  const config = { ...CONFIG, artifact: folder };
  const file = join(temporaryFolder(), 'join.json');
  writeFileSync(file, JSON.stringify(config));
  const words = ['join', log, '--config', file, '--out', out, '--as-of', new Date(LATER).toISOString()];
  /** Gives the milliseconds it took. */
  const run = (killAfter?: number): Promise<number> =>
    new Promise((done, fail) => {
      const began = performance.now();
      const child = spawn(process.execPath, [resolve('bin/tributary.js'), ...words], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      child.stderr.on('data', (chunk) => {
        said += chunk;
      });
      const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter);
      child.on('close', (code, signal) => {
        clearTimeout(timer);
        if (code === 0 || signal === 'SIGKILL') done(performance.now() - began);
        else fail(new Error(`join ended with ${code}: ${said}`));
      });
    });

  const events = drawLog(1, { answers: 40 * (KILLS + 1), days: 3 });
  const piece = (n: number): Event[] => events.filter((_, i) => i % (KILLS + 1) === n);
  const seen: Event[] = piece(0);
  addSegment(log, seen);
  /** Milliseconds of a whole join: those of the fastest so far, since the first one may have waited for the disk. */
  let whole = await run();
  /** What the rows may be: those of every join so far. */
  const allowed = [JSON.stringify(referenceRows(seen, config, LATER))];
  const { uniform } = random('kills', '1');
  let finished = 0;
  for (let n = 1; n <= KILLS; n++) {
    seen.push(...piece(n));
    addSegment(log, piece(n));
    allowed.push(JSON.stringify(referenceRows(seen, config, LATER)));
    const took = await run((0.3 + 0.8 * uniform()) * whole);
    const rows = JSON.stringify(await rowsOf(out));
    const which = allowed.lastIndexOf(rows);
    expect(which, `after kill ${n}`).toBeGreaterThanOrEqual(0);
    if (which === n) {
      finished++;
      whole = Math.min(whole, took);
    }
    allowed.splice(0, which); // rows never go back
    allowed.unshift(...new Array<string>(which).fill(''));
  }
  // Some kills came after the end, and some before: otherwise nothing was shown.
  expect(finished).toBeLessThan(KILLS);
  await run();
  expect(JSON.stringify(await rowsOf(out))).toBe(JSON.stringify(referenceRows(events, config, LATER)));
  // Nothing is left of killed joins.
  expect(existsSync(join(out, '.join', 'work'))).toBe(false);
  expect(readdirSync(out).sort()).toEqual([
    '.join',
    'dataset.yaml',
    'day=2026-11-01',
    'day=2026-11-02',
    'day=2026-11-03',
  ]);
  for (const day of readdirSync(out).filter((name) => name.startsWith('day=')))
    expect(readdirSync(join(out, day))).toHaveLength(1);
}, 300_000);
