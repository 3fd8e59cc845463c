/** The studio's own pages in a browser: the list, a log, the form. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessibilityProblems, CHROMIUM, launch, NO_BROWSER } from '../pages/browser.ts';
import { disagreements, readPage } from '../pages/walk.ts';
import { temporaryFolder } from '../train/support.ts';
import { hrefOf, serveResults, visit } from './explained.ts';

describe.skipIf(CHROMIUM === undefined)(CHROMIUM === undefined ? NO_BROWSER : 'in a browser', () => {
  const { path: folder, remove } = temporaryFolder();
  let served: Awaited<ReturnType<typeof serveResults>>;
  let browser: Browser;
  beforeAll(async () => {
    served = await serveResults(folder);
    browser = await launch();
  });
  afterAll(async () => {
    await browser.close();
    await served.studio.close();
    remove();
  });

  test.each([
    ['the list', '/'],
    ['a log', '/view/events'],
    ['the form', hrefOf('explain')],
  ])('%s: numbers of its data, readable at 390 and 1,280 pixels', async (_, path) => {
    for (const [width, scheme] of [
      [390, 'light'],
      [1280, 'dark'],
    ] as const) {
      const { page, complaints } = await visit(browser, served.address(path), width, scheme);
      const data = JSON.parse((await page.textContent('#data')) ?? 'null');
      expect(disagreements(await readPage(page), data)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      expect(await page.locator('main img, main script, main b').count()).toBe(0);
      expect(await accessibilityProblems(page)).toEqual([]);
      expect(complaints).toEqual([]);
      await page.context().close();
    }
  });
});
