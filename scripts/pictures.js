// Pictures of real pages for README and docs: `npm run pictures` trains the demo, writes its pages, and photographs parts of them in Chromium.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'tributary-pictures-'));
const tributary = (...words) =>
  execFileSync(process.execPath, [join(root, 'bin', 'tributary.js'), ...words], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});

try {
  const demo = process.env.DEMO ?? join(folder, 'demo');
  if (process.env.DEMO === undefined) tributary('demo', '--out', demo);
  const [run, zoo] = ['run.html', 'zoo.html'].map((name) => join(folder, name));
  tributary('report', join(demo, 'runs', 'streams-synthetic-1'), '--out', run);
  tributary('report', join(root, 'reproduction', 'results', 'zoo-ml-1m'), '--out', zoo);
  mkdirSync(join(root, 'docs', 'pictures'), { recursive: true });
  await picture(run, 'run-cells', 'header', 546);
  await picture(run, 'run-flows', '.alluvial', 232);
  await picture(zoo, 'comparison-tests', 'section:has(> #tests-0)', 520);
  await picture(zoo, 'comparison-cost', 'section:has(> #cost-0)', 480);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}

/** The first `height` pixels of a page from a part on. */
async function picture(file, name, part, height) {
  const page = await browser.newPage({ viewport: { width: 1000, height: 900 }, colorScheme: 'light' });
  await page.goto(pathToFileURL(file).href);
  await page.waitForSelector('html[data-ready]');
  const { x, y, width } = await page.locator(part).boundingBox();
  const clip = { x: x - 12, y, width: width + 24, height };
  await page.screenshot({ path: join(root, 'docs', 'pictures', `${name}.png`), fullPage: true, clip });
  await page.close();
}
