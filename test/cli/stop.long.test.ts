import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { events, interrupted, jsonLines, SMALL_WORLD, TINY_MODEL, tributary } from './spawn.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-'));
const at = (name: string): string => join(folder, name);
const train = (run: string): string[] => [
  'train',
  '--data',
  at('data'),
  ...TINY_MODEL,
  '--set',
  'train.searchEpochs=10',
  '--set',
  'train.batchSize=64',
  '--out',
  at(run),
];

beforeAll(() => {
  events([...SMALL_WORLD, '--source', at('world'), '--out', at('data')]);
});
afterAll(() => rmSync(folder, { recursive: true }));

test('Ctrl-C writes a checkpoint and says how to go on; resumed, the run ends in the bits of an unbroken one', async () => {
  const stopped = await interrupted(
    [...train('stopped'), '--json'],
    (out, _err, sent) => sent === 0 && out.includes('"event":"progress"'),
  );
  expect(stopped).toMatchObject({ code: 130, signal: null });
  expect(stopped.err).toContain(`Resume with: tributary resume ${at('stopped')}`);
  const last = jsonLines(stopped.out).at(-1);
  expect(last).toMatchObject({ event: 'interrupted', run: at('stopped') });
  expect(readFileSync(at(`stopped/checkpoints/${last?.checkpoint}.json`), 'utf8')).toContain('"position"');

  const resumed = events(['resume', at('stopped')]);
  expect(resumed[0]).toMatchObject({ event: 'start', resumed: true });
  const whole = events(train('whole'));
  expect(resumed.at(-1)?.cells).toEqual(whole.at(-1)?.cells);
  for (const file of ['model.safetensors', 'metrics.jsonl'])
    expect(readFileSync(at(`stopped/${file}`)).equals(readFileSync(at(`whole/${file}`)))).toBe(true);
});

test('a second Ctrl-C ends at once; the last checkpoint is there to go on from', async () => {
  const killed = await interrupted(train('killed'), (out, err, sent) =>
    sent === 0 ? out.includes('search 2/10') : sent === 1 && err.includes('Press Ctrl-C again to quit immediately'),
  );
  // The first may have won the race: the step was over before the second signal came.
  expect([killed.signal, killed.code]).toEqual(killed.signal === null ? [null, 130] : ['SIGINT', null]);
  expect(events(['resume', at('killed')]).at(-1)).toMatchObject({ event: 'result' });
});

test('a finished run resumes to the same result', () => {
  const [first, again] = [events(['evaluate', at('stopped')]), events(['resume', at('stopped')])];
  expect(again.at(-1)?.cells).toEqual(first[0].cells);
});

test('a reader that goes away does not end a training', () => {
  const command = `"${process.execPath}" bin/tributary.js ${train('piped')
    .map((word) => `'${word}'`)
    .join(' ')} --set train.searchEpochs=2 | head -1`;
  expect(tributaryShell(command)).toContain('training autoifs');
  expect(tributary(['evaluate', at('piped')]).code).toBe(0);
});

function tributaryShell(command: string): string {
  return execFileSync('bash', ['-c', command], { encoding: 'utf8' });
}
