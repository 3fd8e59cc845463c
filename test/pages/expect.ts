/** What holds for every page. */
import { statSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { expect } from 'vitest';
import { accessibilityProblems, open } from './browser.ts';
import type { Made } from './made.ts';
import { disagreements, readPage } from './walk.ts';

/** It is small, opens offline without a complaint or a request, and shows the numbers of its document, as text. */
export async function expectTrue(browser: Browser, made: Made, name: string): Promise<void> {
  const file = made.written(name);
  expect(statSync(file).size).toBeLessThan(1_500_000);
  const { page: tab, complaints } = await open(browser, file);
  const found = await readPage(tab);
  // An unfinished run has few.
  expect(found.numbers.length).toBeGreaterThan(5);
  expect(disagreements(found, JSON.parse(JSON.stringify(made.page(name))))).toEqual([]);
  expect(complaints).toEqual([]);
  expect(await tab.locator('main img, main script, main b').count()).toBe(0);
  await tab.context().close();
}

/** It can be read at 390 pixels, by keyboard and by screen reader. */
export async function expectReadable(
  browser: Browser,
  made: Made,
  { name, colorScheme }: { name: string; colorScheme: 'light' | 'dark' },
): Promise<void> {
  const viewport = { width: 390, height: 800 };
  const { page: tab } = await open(browser, made.written(name), { colorScheme, viewport });
  expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(390);
  expect(await accessibilityProblems(tab)).toEqual([]);
  await tab.context().close();
}
