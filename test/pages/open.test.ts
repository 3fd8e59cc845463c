import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { pageHtml } from '../../src/pages/html.ts';
import { openPage } from '../../src/pages/sources/open.ts';
import * as samples from './samples.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-pages-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'document.json');
const bundle = { script: '', style: '' };

test('a path without a result is named', () => {
  for (const path of [folder, join(folder, 'nothing')])
    expect(() => openPage(path)).toThrow(expect.objectContaining({ code: 'PAGE_NOTHING_THERE' }));
  const data = mkdtempSync(join(folder, 'data-'));
  writeFileSync(join(data, 'manifest.json'), '{"format":"tributary-data"}');
  expect(() => openPage(data)).toThrow(expect.objectContaining({ code: 'PAGE_NOTHING_THERE' }));
});

test('a file is refused with what is wrong with it', () => {
  const refusals: [string, RegExp][] = [
    ['no JSON', /neither JSON nor/],
    ['[1]', /not an object/],
    ['{"schema":"join/1"}', /no page shows "join\/1", only comparison\/1,/],
    ['{"rows":1}', /no page shows null/],
    ['{"schema":"tuning/1"}', /expected array.*\n.*trials/],
  ];
  for (const [text, problem] of refusals) {
    writeFileSync(file, text);
    expect(() => openPage(file)).toThrow(
      expect.objectContaining({ code: 'PAGE_DOCUMENT', message: expect.stringMatching(problem) }),
    );
  }
});

test('of lines of JSON the last one is shown, as it is', () => {
  const document = samples.replay();
  writeFileSync(file, `{"event":"start"}\n${JSON.stringify({ event: 'result', ...document })}\n`);
  expect(openPage(file)).toMatchObject({ kind: 'replay', replay: document });
});

test('an artifact of version 0.1 has no reliability, and its page says so', () => {
  const page = openPage('test/upgrade/0.1/artifact');
  expect(page.notes.join('\n')).toContain('Reliability: ');
  expect(page).toMatchObject({
    kind: 'artifact',
    artifact: expect.not.objectContaining({ reliability: expect.anything() }),
  });
});

test('numbers in a page have eight digits, and counts all', () => {
  writeFileSync(file, JSON.stringify({ ...samples.replay(), seconds: 1234.56789012, damaged: 123_456_789_012 }));
  const html = pageHtml(openPage(file), { bundle });
  expect(html).toMatch(/"seconds":1234\.5679[,}]/);
  expect(html).toContain('"damaged":123456789012');
});

test('names cannot end the script that the data stand in', () => {
  writeFileSync(file, JSON.stringify({ ...samples.replay(), log: '</script><script>alert(1)</script><!--' }));
  const html = pageHtml(openPage(file), { bundle });
  expect(html.match(/<script/g)).toHaveLength(2);
  expect(html).not.toContain('<!--');
});

test('a page that would be too large is refused', () => {
  // Random text, which cannot be compressed.
  writeFileSync(file, JSON.stringify({ ...samples.replay(), log: randomBytes(1_200_000).toString('base64') }));
  expect(() => pageHtml(openPage(file), { bundle })).toThrow(expect.objectContaining({ code: 'PAGE_TOO_LARGE' }));
});
