import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { writeFileAtomic } from '../../../base/files.ts';
import { mean } from '../../../base/numbers.ts';
import { loadRunConfig } from '../../../config/load.ts';
import { prepare } from '../../../data/prepare/prepare.ts';
import { openPrepared } from '../../../data/prepared/open.ts';
import type { PreparedData } from '../../../data/prepared/prepared.ts';
import { TRUTH } from '../../../data/recipes/synthetic.ts';
import { bayesAuc } from '../../../data/synthetic/bayes.ts';
import { createWorld, plantedTruth, type World } from '../../../data/synthetic/world.ts';
import { numberOf } from '../../../evaluate/index.ts';
import { models } from '../../../model/registry.ts';
import { pageHtml } from '../../../pages/html.ts';
import { openPage } from '../../../pages/sources/open.ts';
import { metricText } from '../../../report/numbers.ts';
import { readFlows } from '../../../store/run/run-folder.ts';
import type { FlowsEvent } from '../../../train/run/events.ts';
import { newRun } from '../../../train/run/new-run.ts';
import { readDataset } from '../../dataset.ts';
import { helpEnd } from '../../help.ts';
import { seedOption, wholeNumber } from '../../options.ts';
import { print } from '../../output.ts';
import { verdictText } from '../../planted.ts';
import { flowsText } from '../../print/render.ts';
import { recoveredText } from '../../recovered.ts';
import { follow } from '../../training.ts';

interface Options {
  out: string;
  rows: number;
  seed: number;
}

export function demo(program: Command): void {
  const verb = program
    .command('demo')
    .summary('make a small world, find its information flows, and train on what was found')
    .description(
      'Makes synthetic data with planted effects, prepares them, tests which information flows each scenario and task needs, and ' +
        'shows the verdict next to the planted truth. Trains Streams on the verdict and AutoIFS, and prints which share of the ' +
        'best possible AUC each reaches. Under a minute; nothing is downloaded.',
    )
    .option('--out <dir>', 'folder for all of it; a later demo there makes a new run', 'demo')
    .option('--rows <n>', 'rows of the world', wholeNumber(1000), 100_000)
    .addOption(seedOption('seed of the world and of the training').default(1))
    .action(run);
  helpEnd(verb, ['tributary demo', 'tributary demo --seed 2 --out /tmp/demo'], ['training', 'interrupted']);
}

async function run({ out, rows, seed }: Options): Promise<void> {
  const source = join(out, 'world');
  print(`1. A world of ${rows.toLocaleString('en-US')} rows in ${source}`);
  const { config } = await readDataset('synthetic', 'tributary demo', { source, rows, seed });
  print(`2. Preparing it in ${join(out, 'data')}`);
  const { folder } = await prepare({ config, sourceFolder: source, out: join(out, 'data') });
  const data = await openPrepared(folder);
  const world = createWorld({ seed });
  print('3. Testing which flows each cell needs, then training Streams on the verdict\n');
  const streams = await train('streams', data, { out, seed });
  if (streams === undefined) return;
  const verdict = readFlows(streams.run);
  if (verdict !== undefined) print(`\n4. The verdict against the truth: ${verdictText(world, verdict)}`);
  print(`\n5. What Streams learned: ${await recoveredText(world, data, streams.run)}`);
  print('\n6. Training AutoIFS: search, then retraining with hard flow gates\n');
  const autoifs = await train('autoifs', data, { out, seed, preset: 'demo' });
  if (autoifs === undefined) return;
  if (autoifs.flows !== undefined) print(`\n${flowsText(autoifs.flows, plantedMark(world))}\n${KEEP_NOTE}`);
  print(`\n7. ${reachedText(world, { Streams: streams.auc, AutoIFS: autoifs.auc })}\n`);
  const page = join(out, 'page.html');
  writeFileAtomic(page, pageHtml(openPage(streams.run)));
  print(places(out, [streams.run, autoifs.run], page));
}

interface Trained {
  run: string;
  /** Mean over the cells of the test rows. */
  auc: number | null;
  /** Keep-rates of gates: shown next to the planted truth. */
  flows?: FlowsEvent;
}

/** Trains a model; undefined after Ctrl-C. */
async function train(
  key: string,
  data: PreparedData,
  { out, seed, preset }: { out: string; seed: number; preset?: string },
): Promise<Trained | undefined> {
  const flags = { model: { key }, seed };
  const run = await newRun(await loadRunConfig({ models, preset, flags }), data, { parent: join(out, 'runs') });
  let flows: FlowsEvent | undefined;
  const result = await follow(run, {
    take: (event) => {
      if (event.event !== 'flows') return false;
      flows = event;
      return true;
    },
  });
  return result && { run, auc: numberOf(result.grid.macro.auc), flows };
}

/** The AUC of each model, and its share of what is possible above chance in this world. */
function reachedText(world: World, aucs: Record<string, number | null>): string {
  const best = mean(bayesAuc(world).flat());
  const lines = Object.entries(aucs).map(
    ([name, auc]) =>
      `  ${name.padEnd(10)} ${metricText(auc)}${auc === null ? '' : `  ${((100 * (auc - 0.5)) / (best - 0.5)).toFixed(1)} % of the possible`}`,
  );
  return [
    `The best ranker possible in this world has a mean AUC of ${metricText(best)}. Test rows (possible: AUC above 0.5):`,
    ...lines,
  ].join('\n');
}

/** Why the shares need not match the planted flows. */
const KEEP_NOTE = `* planted as noise: the flow says nothing about this cell
A keep-rate says what a gate does, not what a cell needs: other gates with other weights give the same answers, so training
cannot find the noise by them. The test above can.`;

/** Marks the flows that the world planted as noise. */
function plantedMark(world: World): (s: number, t: number, flow: number) => string {
  const { cells, tasks } = plantedTruth(world);
  return (s, t, flow) => (cells[s * tasks.length + t].flows[flow].noise ? ' *' : '  ');
}

function places(out: string, runs: string[], page: string): string {
  const lines = [
    [join(out, 'world'), `the rows, and the planted truth (${TRUTH})`],
    [join(out, 'data'), 'the prepared data set'],
    ...runs.map((run) => [run, 'report.md, metrics, checkpoints, the model']),
    [page, 'what Streams found, as a page: open it in a browser'],
  ];
  return [
    'Written:',
    ...lines.filter(([path]) => existsSync(path)).map(([path, what]) => `  ${path.padEnd(32)} ${what}`),
  ].join('\n');
}
