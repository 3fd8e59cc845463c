/** `train` without a model: the choice as the command makes and shows it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { events, interrupted, jsonLines, SMALL_WORLD, tributary } from './spawn.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-choice-'));
const at = (name: string): string => join(folder, name);
const data = at('data');
const LITTLE = ['--set', 'train.maxEpochs=2', '--threads', '1'];

beforeAll(() => {
  events([...SMALL_WORLD, '--source', at('world'), '--out', data]);
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a small budget pays for one candidate: it is named, trained and measured', () => {
  const out = at('single');
  const lines = events(['train', '--data', data, '--budget', '1s', ...LITTLE, '--out', out]);
  const kinds = lines.map(({ event }) => event);
  expect(kinds.slice(0, 3)).toEqual(['choosing', 'choice', 'start']);
  expect(lines[1]).toMatchObject({ schema: 'choice/1', chosen: 'shared-bottom', because: 'only', budget: 1 });
  expect(lines.at(-1)).toMatchObject({ event: 'result', run: out, schema: 'training/1' });
  const report = readFileSync(join(out, 'report.md'), 'utf8');
  expect(report).toContain('a budget of 1.0 s pays for no second candidate');
  expect(report).toContain('Not tried, for lack of budget: mmoe.');
});

test('Ctrl-C keeps what is trained; resume goes on choosing', async () => {
  const out = at('stopped');
  const words = ['train', '--data', data, '--budget', '1m', '--threads', '1', '--json', '--out', out];
  const isFirst = (text: string): boolean => text.includes('"event":"choosing"');
  const first = await interrupted(words, (text, _err, sent) => isFirst(text) && sent === 0);
  expect(first.code, first.err).toBe(130);
  expect(first.err).toContain(`Stopped. Go on with: tributary resume ${out}`);
  expect(jsonLines(first.out).at(-1)).toEqual({ event: 'interrupted', run: out });
  const early = tributary(['evaluate', out]);
  expect(early.code).toBe(4);
  expect(early.err).toContain(`error RUN_CHOOSING: the model of ${out} is not chosen yet`);
  const second = await interrupted(['resume', out, '--json'], (text, _err, sent) => isFirst(text) && sent === 0);
  expect(second.code, second.err).toBe(130);
});

describe('what does not go together', () => {
  test.each([
    [
      ['--budget', '2m', '--model', 'mmoe'],
      '--budget is for choosing a model, and one is named: leave out one of them',
    ],
    [['--warm-start', 'runs/a'], '--warm-start belongs to a model: name it with --model'],
  ])('%s', (words, message) => {
    const { code, err } = tributary(['train', '--data', data, ...words, '--out', at('refused')]);
    expect(err).toContain(`error USAGE: `);
    expect(err).toContain(message);
    expect(code).toBe(2);
  });
});
