/** Folders and documents of every kind that has a page, and their pages. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seal } from '../../src/base/seal.ts';
import { type DatasetInput, datasetSchema } from '../../src/config/dataset.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { exportRun } from '../../src/export/export.ts';
import { roundPaths } from '../../src/loop/rounds.ts';
import { pageHtml } from '../../src/pages/html.ts';
import type { Page, RunPage } from '../../src/pages/page.ts';
import { openPage } from '../../src/pages/sources/open.ts';
import { makeRun, prepareSmall, trainWithStops } from '../train/support.ts';
import * as samples from './samples.ts';

const SCENARIOS = samples.NASTY.slice(0, 3);
const TASKS = samples.NASTY.slice(3);

export interface Made {
  /** Where what a page shows is, by name of the page. */
  paths: Record<string, string>;
  page: (name: string) => Page;
  /** Writes the page; returns the file. */
  written: (name: string) => string;
}

export async function makePages(folder: string): Promise<Made> {
  const at = (...names: string[]): string => join(folder, ...names);
  const paths: Record<string, string> = {
    ...(await trainSmall(folder)),
    'run of 0.1': 'test/upgrade/0.1/run',
    'artifact of 0.1': 'test/upgrade/0.1/artifact',
    'a comparison that was measured': 'reproduction/results/zoo-ml-1m',
    loop: at('loop'),
    ramp: at('ramp'),
  };
  const write = (name: string, document: object): void => {
    paths[name] = at(`${name}.json`);
    writeFileSync(paths[name], JSON.stringify({ event: 'result', ...document }));
  };
  write('comparison', samples.comparison(samples.NASTY, SCENARIOS, TASKS));
  write('tuning', samples.tuning());
  write('evaluation', samples.evaluation(SCENARIOS, TASKS));
  write('flows', samples.flows(SCENARIOS, TASKS));
  write('transfer', samples.transfer(SCENARIOS, TASKS));
  write('importance', samples.importance(SCENARIOS, TASKS));
  write('explanation', samples.explanation(SCENARIOS, TASKS));
  write('replay', samples.replay());
  write('position-bias', samples.positionBias(SCENARIOS));
  write('drift', samples.drift(SCENARIOS, TASKS));
  write('experiment', samples.experiment(SCENARIOS));
  write('simulation', samples.simulation(SCENARIOS));
  mkdirSync(paths.ramp);
  writeFileSync(join(paths.ramp, 'ramp.json'), seal(samples.ramp(), 1));
  for (const n of [1, 2]) {
    const { folder: own, record } = roundPaths(paths.loop, n);
    mkdirSync(own, { recursive: true });
    writeFileSync(record, seal(samples.round(SCENARIOS, TASKS, n), 1));
  }
  let large: Page | undefined;
  const page = (name: string): Page => {
    if (name === 'run of 64 cells') {
      large ??= withCells(openPage(paths.run));
      return large;
    }
    return name === 'run' ? withVerdict(openPage(paths.run)) : openPage(paths[name]);
  };
  return {
    paths,
    page,
    written(name) {
      const file = at(`${name}.html`);
      writeFileSync(file, pageHtml(page(name)));
      return file;
    },
  };
}

const verdict = samples.flows(SCENARIOS, TASKS);
const importance = samples.importance(SCENARIOS, TASKS);

/** A run as if its model were built from a verdict on flows, and its fields had been measured. */
function withVerdict(page: Page): Page {
  const { result, ...run } = page as RunPage;
  return {
    ...run,
    result: {
      ...result!,
      verdict,
      choices: {
        rows: [9, 8],
        chosen: {
          [samples.NASTY[2]]: [
            [9, 1, 0],
            [3, 8, 5],
          ],
        },
      },
    },
    flowSentences: [samples.NASTY[0]],
    importance,
  };
}

/** A run as if it had been searched and trained for 40 epochs with 64 cells, of which one is never defined. */
function withCells(page: Page): Page {
  const run = page as RunPage;
  const cells = samples.times(64, (c) => ({ scenario: `${samples.NASTY[c % 5]} ${c >> 2}`, task: `task ${c & 3}` }));
  const [{ gates: _, ...epoch }] = run.epochs;
  const epochs = samples.times(40, (i) => ({
    ...epoch,
    phase: i < 5 ? 'search' : 'retrain',
    epoch: i + 1,
    best: i === 30,
    monitor: samples.share(),
    validation: { auc: samples.share(), logloss: samples.share() },
    auc: cells.map((_, c) => (c === 7 ? null : samples.share())),
    ...(i < 5 && { temperature: 1 + i, gates: cells.map(() => samples.times(4, samples.share)) }),
    taskWeights: Object.fromEntries(Object.keys(epoch.losses).map((task) => [task, samples.share()])),
  }));
  return { ...run, cells, gateNames: samples.NASTY.slice(0, 4), epochs, result: undefined };
}

/** A run, its artifact, and a run that has not ended, with names that would be more than text. */
async function trainSmall(folder: string): Promise<Record<string, string>> {
  const at = (name: string): string => join(folder, name);
  const paths = { run: at('run'), artifact: at('artifact'), 'unfinished run': at('unfinished') };
  const data = await prepareSmall(folder, 4000); // enough of each class to calibrate cells
  const { config } = JSON.parse(readFileSync(join(data, 'manifest.json'), 'utf8')) as { config: DatasetInput };
  const scenario = { ...config.scenario, names: samples.NASTY.slice(0, 2) };
  const own = datasetSchema.parse({ ...config, name: samples.NASTY[4], notes: [samples.NASTY[1]], scenario });
  await prepare({ config: own, sourceFolder: folder, out: at('nasty') });
  await makeRun(paths.run, at('nasty'), { train: { searchEpochs: 1, maxEpochs: 1 } });
  await trainWithStops(paths.run);
  await exportRun(paths.run, { out: paths.artifact, calibrate: 'isotonic', threads: 1 });
  const unfinished = paths['unfinished run'];
  cpSync(paths.run, unfinished, { recursive: true });
  const metrics = join(unfinished, 'metrics.jsonl');
  writeFileSync(metrics, readFileSync(metrics, 'utf8').replace(/^\{"kind":"result".*\n/m, ''));
  for (const name of ['finished.json', 'result.json']) rmSync(join(unfinished, name));
  return paths;
}
