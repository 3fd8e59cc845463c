/** Pages of all kinds, of names that would be more than text, in a real browser. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { temporaryFolder } from '../train/support.ts';
import { CHROMIUM, launch, NO_BROWSER } from './browser.ts';
import { expectReadable, expectTrue } from './expect.ts';
import { type Made, makePages } from './made.ts';

const NAMES = [
  'run',
  'unfinished run',
  'run of 64 cells',
  'run of 0.1',
  'artifact',
  'artifact of 0.1',
  'a comparison that was measured',
  'comparison',
  'tuning',
  'evaluation',
  'flows',
  'transfer',
  'importance',
  'explanation',
  'replay',
  'position-bias',
  'simulation',
  'loop',
  'drift',
  'experiment',
  'ramp',
];

describe.skipIf(CHROMIUM === undefined)(CHROMIUM === undefined ? NO_BROWSER : 'in a browser', () => {
  const { path: folder, remove } = temporaryFolder();
  let browser: Browser;
  let made: Made;

  beforeAll(async () => {
    made = await makePages(folder);
    browser = await launch();
  });
  afterAll(async () => {
    await browser.close();
    remove();
  });

  test.each(NAMES)('%s: no complaint, no request, numbers of the document', (name) => expectTrue(browser, made, name));

  test.each(NAMES.flatMap((name) => [{ name, colorScheme: 'light' } as const, { name, colorScheme: 'dark' } as const]))(
    '$name ($colorScheme) can be read at 390 pixels, by keyboard and by screen reader',
    (one) => expectReadable(browser, made, one),
  );
});
