/** `importance`, `check` and `explain` as commands: what they print, and their exit codes. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { baselineSchema, checkSchema } from '../../src/documents/diagnose/check.ts';
import { explanationSchema } from '../../src/documents/diagnose/explanation.ts';
import { importanceSchema } from '../../src/documents/diagnose/importance.ts';
import { exportRun } from '../../src/export/export.ts';
import { readImportance } from '../../src/store/run/run-folder.ts';
import { tributary } from '../cli/spawn.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../train/support.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
afterAll(() => folder.remove());
beforeAll(async () => {
  const data = await prepareSmall(folder.path, 2000);
  await trainWithStops(await makeRun(at('run'), data, { model: { key: 'mmoe', embeddingDim: 4 } }));
});

const resultOf = (out: string): object => {
  const { event, ...document } = JSON.parse(out.trim().split('\n').at(-1) as string);
  expect(event).toBe('result');
  return document;
};

test('importance ends with its document; a group without fields is a mistake of usage', () => {
  const words = ['importance', at('run'), '--repeats', '1', '--group', 'thing=item,tags'];
  const { code, out, err } = tributary([...words, '--json']);
  expect(code, err).toBe(0);
  expect(importanceSchema.parse(resultOf(out)).features[0]).toMatchObject({ name: 'thing', kind: 'group' });
  expect(readImportance(at('run'))).toEqual(resultOf(out));
  const refused = tributary(['importance', at('run'), '--group', 'item']);
  expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('--group item: expected a name and fields')]);
});

test('a baseline is written, held against, and not replaced by a run that fell behind it', () => {
  const file = at('baseline.json');
  expect(tributary(['check', at('run'), '--write', file])).toMatchObject({ code: 0 });
  expect(tributary(['check', at('run'), '--against', file])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^passed/),
  });
  const baseline = baselineSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  baseline.grid.cells[2].auc = 1;
  writeFileSync(file, JSON.stringify(baseline));
  const { code, out } = tributary(['check', at('run'), '--against', file, '--write', at('new.json'), '--json']);
  expect(code).toBe(7);
  expect(checkSchema.parse(resultOf(out))).toMatchObject({ passed: false, cells: [{}, {}, { fell: true }, {}] });
  expect(existsSync(at('new.json'))).toBe(false);
  const loose = ['--margin', '1', '--cell-margin', 'search/click=1', '--write', at('new.json')];
  expect(tributary(['check', at('run'), '--against', file, ...loose]).code).toBe(0);
  expect(existsSync(at('new.json'))).toBe(true);
  expect(tributary(['check', at('run')])).toMatchObject({ code: 2, err: expect.stringContaining('--against') });
  expect(tributary(['check', at('run'), '--against', file, '--cell-margin', 'much']).code).toBe(2);
});

test('explain prints its findings, its document or a page; a request is one of a file or of a log', async () => {
  const artifact = at('artifact');
  await exportRun(at('run'), { out: artifact, threads: 1 });
  const file = at('request.json');
  writeFileSync(file, JSON.stringify({ scenario: 'feed', items: ['a', 'b'].map((id) => ({ id, item: id })) }));
  const words = ['explain', artifact, '--request', file];
  expect(tributary(words)).toMatchObject({ code: 0, out: expect.stringMatching(/^[ab] is first in feed: /) });
  const { code, out } = tributary([...words, '--json', '--out', at('why.html')]);
  expect(code).toBe(0);
  expect(explanationSchema.parse(resultOf(out))).toMatchObject({ scenario: 'feed', candidates: 2 });
  expect(readFileSync(at('why.html'), 'utf8')).toContain('"kind":"explanation"');
  expect(tributary([...words, '--log', at('events')])).toMatchObject({ code: 2 });
  expect(tributary(['explain', artifact, '--log', at('events')])).toMatchObject({
    err: expect.stringContaining('does not exist: expected a folder of segments'),
  });
  writeFileSync(file, '{"scenario":"feed","items":[{"id":12345678901234567890}]}');
  expect(tributary(words).err).toContain(
    '12345678901234567890 would be read as 12345678901234567000: send it as a text',
  );
});
