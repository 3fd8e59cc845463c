/** The pages of a run, an artifact and a comparison in a real browser; pages.long.test.ts has those of all kinds. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pageHtml } from '../../src/pages/html.ts';
import type { ArtifactPage } from '../../src/pages/page.ts';
import { openPage } from '../../src/pages/sources/open.ts';
import { temporaryFolder } from '../train/support.ts';
import { CHROMIUM, launch, NO_BROWSER } from './browser.ts';
import { expectReadable, expectTrue } from './expect.ts';
import { type Made, makePages } from './made.ts';

const { path: folder, remove } = temporaryFolder();
let browser: Browser;
let made: Made;

beforeAll(async () => {
  made = await makePages(folder);
  if (CHROMIUM !== undefined) browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  remove();
});

test('the command writes a page, and says where', () => {
  const out = join(folder, 'by-command.html');
  const { run } = made.paths;
  const said = execFileSync(process.execPath, ['bin/tributary.js', 'report', run, '--out', out], { encoding: 'utf8' });
  expect(said).toContain(out);
  expect(readFileSync(out, 'utf8')).toBe(pageHtml(openPage(run)));
});

describe.skipIf(CHROMIUM === undefined)(CHROMIUM === undefined ? NO_BROWSER : 'in a browser', () => {
  test.each(['run', 'artifact', 'comparison'])('%s: no complaint, no request, numbers of the document', (name) =>
    expectTrue(browser, made, name),
  );

  test('an artifact shows each cell before and after calibration', () => {
    const { artifact } = made.page('artifact') as ArtifactPage;
    const after = artifact.reliability?.filter((cell) => cell.after !== undefined) ?? [];
    expect(after.length).toBeGreaterThan(0);
    const html = readFileSync(made.written('artifact'), 'utf8');
    expect(html).toContain(`${after.length} of ${artifact.reliability?.length} cells are calibrated`);
  });

  test('an artifact can be read at 390 pixels, by keyboard and by screen reader', () =>
    expectReadable(browser, made, { name: 'artifact', colorScheme: 'light' }));

  test('a run can be read at 390 pixels, by keyboard and by screen reader', () =>
    expectReadable(browser, made, { name: 'run', colorScheme: 'light' }));
});
