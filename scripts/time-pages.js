// How fast the largest pages open: a comparison of 100 models and 64 cells, measured in Chromium. Prints bytes and milliseconds.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { random } from '../dist/base/random.js';
import { pageHtml } from '../dist/pages/html.js';
import { openPage } from '../dist/pages/sources/open.js';

const MODELS = 100;
const SCENARIOS = 16;
const TASKS = 4;
const TRIES = 5;

const folder = mkdtempSync(join(tmpdir(), 'tributary-pages-'));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
try {
  const file = join(folder, 'comparison.json');
  writeFileSync(file, JSON.stringify(comparison()));
  const html = join(folder, 'comparison.html');
  writeFileSync(html, pageHtml(openPage(file)));
  const [times, work] = [[], []];
  for (let i = 0; i < TRIES; i++) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    await page.goto(pathToFileURL(html).href);
    await page.waitForSelector('html[data-ready]');
    times.push(Number(await page.evaluate('document.documentElement.dataset.ready')));
    const { metrics } = await session.send('Performance.getMetrics');
    work.push(Math.round(1000 * metrics.find(({ name }) => name === 'TaskDuration').value));
    await page.close();
  }
  const shown = (list) => {
    const sorted = list.toSorted((a, b) => a - b);
    return `${sorted[(TRIES - 1) / 2]} ms (median of ${TRIES}; ${sorted[0]} to ${sorted[TRIES - 1]})`;
  };
  console.log(`${MODELS} models x ${SCENARIOS * TASKS} cells: ${statSync(html).size} bytes`);
  console.log(`open after ${shown(times)}; processor time of the page's thread ${shown(work)}`);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}

function comparison() {
  const draw = random('pages');
  const names = (n, what) => Array.from({ length: n }, (_, i) => `${what} ${i}`);
  const [models, scenarios, tasks] = [names(MODELS, 'model'), names(SCENARIOS, 'scenario'), names(TASKS, 'task')];
  const mean = () => {
    const value = 0.7 + 0.1 * draw.uniform();
    const half = 0.01 * draw.uniform();
    return { n: 5, mean: value, sd: half, low: value - half, high: value + half };
  };
  const means = () => ({
    auc: mean(),
    groupedAuc: mean(),
    ndcg: mean(),
    map: mean(),
    logloss: mean(),
    calibrationError: mean(),
  });
  const test = () => {
    const difference = 0.02 * (draw.uniform() - 0.5);
    const half = 0.01 * draw.uniform();
    return {
      difference,
      standardError: half / 2,
      p: draw.uniform(),
      low: difference - half,
      high: difference + half,
      corrected: draw.uniform(),
    };
  };
  const cells = scenarios.flatMap((scenario) => tasks.map((task) => ({ scenario, task })));
  return {
    schema: 'comparison/1',
    version: 1,
    baseline: models[0],
    seeds: [1, 2, 3, 4, 5],
    correction: 'holm',
    confidence: 0.95,
    bootstrap: { resamples: 1000, seed: 1 },
    datasets: [
      {
        data: 'shop',
        hash: 'ab',
        scenarios,
        tasks,
        testRows: 1_000_000,
        groups: { of: 'group', count: 50_000 },
        models: models.map((model) => ({
          data: 'shop',
          model,
          key: 'mmoe',
          seeds: [1, 2, 3, 4, 5],
          failed: [],
          macro: means(),
          cells: cells.map((cell) => ({
            ...cell,
            rows: draw.below(100_000),
            positives: draw.below(10_000),
            ...means(),
          })),
          epochs: [],
          curve: Array.from({ length: 20 }, (_, e) => {
            const value = 0.6 + 0.01 * e;
            return {
              epoch: e + 1,
              n: 3,
              mean: value,
              lowest: value - draw.uniform() / 100,
              highest: value + draw.uniform() / 100,
            };
          }),
          bestEpochs: [20, 18, 20],
          denseParameters: draw.below(1_000_000),
          embeddingParameters: 1_000_000,
          multiplyAddsPerRow: 10_000 + draw.below(1_000_000),
        })),
        tests: models.slice(1).map((model) => ({
          model,
          against: models[0],
          pairs: [1, 2, 3, 4, 5],
          macro: { bootstrap: test(), seeds: test() },
          cells: cells.map((cell) => ({ ...cell, delong: test(), bootstrap: test(), seeds: test() })),
        })),
        transfer: [],
      },
    ],
  };
}
