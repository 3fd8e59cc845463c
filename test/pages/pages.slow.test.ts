/** Pages in a real browser. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessibilityProblems, CHROMIUM, launch, NO_BROWSER, open } from './browser.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-pages-'));
const file = join(folder, 'run.html');
let browser: Browser;

beforeAll(async () => {
  execFileSync(process.execPath, ['bin/tributary.js', 'report', 'test/upgrade/0.1/run', '--out', file]);
  if (CHROMIUM !== undefined) browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

test('a page is below 1.5 MB', () => expect(statSync(file).size).toBeLessThan(1_500_000));

describe.skipIf(CHROMIUM === undefined)(CHROMIUM === undefined ? NO_BROWSER : 'in a browser', () => {
  test('a page opens offline, without a complaint or a request', async () => {
    const { page, complaints } = await open(browser, file);
    expect(complaints).toEqual([]);
    expect(await page.locator('h1').textContent()).toContain(' on ');
  });

  test.each(['light', 'dark'] as const)('axe-core finds nothing serious (%s)', async (colorScheme) => {
    const { page } = await open(browser, file, { colorScheme });
    expect(await accessibilityProblems(page)).toEqual([]);
  });
});
