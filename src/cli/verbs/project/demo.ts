import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { loadRunConfig } from '../../../config/load.ts';
import { prepare } from '../../../data/prepare/prepare.ts';
import { openPrepared } from '../../../data/prepared/open.ts';
import { TRUTH } from '../../../data/recipes/synthetic.ts';
import { bayesAuc } from '../../../data/synthetic/bayes.ts';
import { createWorld, plantedTruth, type World } from '../../../data/synthetic/world.ts';
import { models } from '../../../model/registry.ts';
import type { FlowsEvent } from '../../../train/run/events.ts';
import { newRun } from '../../../train/run/new-run.ts';
import { readDataset } from '../../dataset.ts';
import { helpEnd } from '../../help.ts';
import { seedOption, wholeNumber } from '../../options.ts';
import { print } from '../../output.ts';
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
    .summary('make a small world, train AutoIFS on it, and show what it found')
    .description(
      'Makes synthetic data with planted effects, prepares them, trains AutoIFS in both phases and prints its metrics and ' +
        'the flows it keeps next to the planted truth. About a minute; nothing is downloaded.',
    )
    .option('--out <dir>', 'folder for all of it; a later demo there makes a new run', 'demo')
    .option('--rows <n>', 'rows of the world', wholeNumber(1000), 200_000)
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
  print('3. Training AutoIFS: search, then retraining with hard flow gates\n');
  const data = await openPrepared(folder);
  const flags = { model: { key: 'autoifs' }, seed };
  const runFolder = await newRun(await loadRunConfig({ models, preset: 'demo', flags }), data, {
    parent: join(out, 'runs'),
  });
  let flows: FlowsEvent | undefined;
  const result = await follow(runFolder, {
    // Shown at the end, next to the planted truth.
    take: (event) => {
      if (event.event !== 'flows') return false;
      flows = event;
      return true;
    },
  });
  if (result === undefined) return;
  const world = createWorld({ seed });
  print(`the best ranker possible in this world has a mean AUC of ${mean(bayesAuc(world).flat()).toFixed(4)}`);
  if (flows !== undefined) print(`\n4. ${flowsText(flows, plantedMark(world))}\n${KEEP_NOTE}`);
  print(`\n5. ${await recoveredText(world, data, runFolder)}\n`);
  print(places(out, runFolder));
}

/** Why the shares need not match the planted flows. */
const KEEP_NOTE = `* planted as noise: the flow says nothing about this cell
A keep-rate says which corrections the gates leave in, not what the model knows: the merged path carries every flow, and
much of what a gate does can be done by weights instead. What the model knows is measured next.`;

/** Marks the flows that the world planted as noise. */
function plantedMark(world: World): (s: number, t: number, flow: number) => string {
  const { cells, tasks } = plantedTruth(world);
  return (s, t, flow) => (cells[s * tasks.length + t].flows[flow].noise ? ' *' : '  ');
}

function places(out: string, runFolder: string): string {
  const lines = [
    [join(out, 'world'), `the rows, and the planted truth (${TRUTH})`],
    [join(out, 'data'), 'the prepared data set'],
    [runFolder, 'report.md, metrics, checkpoints, the model'],
  ];
  return [
    'Written:',
    ...lines.filter(([path]) => existsSync(path)).map(([path, what]) => `  ${path.padEnd(32)} ${what}`),
  ].join('\n');
}

const mean = (values: number[]): number => values.reduce((a, b) => a + b) / values.length;
