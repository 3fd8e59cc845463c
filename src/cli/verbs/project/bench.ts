import { type Command, Option } from 'commander';
import {
  formatServeBench,
  formatTimings,
  type PhaseTiming,
  runServeBench,
  runTrainBench,
  type ServeBenchOptions,
  type TrainBenchOptions,
  twoCopies,
} from '../../../bench/index.ts';
import { models } from '../../../model/registry.ts';
import { helpEnd } from '../../help.ts';
import { backendOption, collect, deviceOption, jsonOption, RequiredOption, wholeNumber } from '../../options.ts';
import { print, printJson } from '../../output.ts';
import { addDevice } from './bench-device.ts';
import { addComm, addRanks } from './bench-ranks.ts';

interface Options extends TrainBenchOptions {
  json?: boolean;
}

const names = (text: string): string[] => text.split(',');
const numbers = (text: string): number[] => text.split(',').map(wholeNumber(1));

/** Above this, two threads do not get two cores. */
const TWO_CORES = 1.3;

export function bench(program: Command): void {
  const verb = program
    .command('bench')
    .summary('measure how fast this machine trains and serves')
    .description('Measures on synthetic rows and drawn requests.');
  const train = verb
    .command('train')
    .summary('time whole training steps')
    .description(
      'Times whole training steps of each phase and size of the table, in turn, and prints them next to the peak of the machine: ' +
        'large matrix products through the same runtime, run between the steps. First a loop is timed alone and twice at once: ' +
        'unless both take the same time, the machine has no two free cores, and times of two threads mean little.',
    )
    .option('--model <keys>', `models, or all: ${[...models.keys()].join(',')}`, 'autoifs')
    .option(
      '--preset <name>',
      "sizes, batch and optimiser of one of the model's presets (default: the model's defaults)",
    )
    .option('--vocabulary <list>', 'rows of the embedding table; several sizes are timed in turn', numbers, [13_000])
    .option('--phase <name>', 'one phase only, like search or retrain')
    .option('--steps <n>', 'steps to time in each phase, on each table', wholeNumber(1), 30)
    .addOption(new Option('--tables <kind>', 'how embedding tables are updated').choices(['lazy', 'dense']))
    .option('--batch <n>', 'rows of a step', wholeNumber(1))
    .option('--fields <n>', 'fields of a row', wholeNumber(1))
    .option('--scenarios <n>', 'scenarios', wholeNumber(1))
    .option('--tasks <n>', 'tasks', wholeNumber(1))
    .option(
      '--set <path=value>',
      'one option of the run configuration, like model.loraRank=4; may be repeated',
      collect,
    )
    .option('--threads <n>', 'threads of ONNX Runtime (default: all cores)', wholeNumber(1))
    .addOption(backendOption())
    .addOption(deviceOption())
    .addOption(jsonOption())
    .action(run);
  helpEnd(train, [
    'tributary bench train --preset ml-1m',
    'tributary bench train --model all --fields 20',
    'tributary bench train --preset ml-1m --vocabulary 13000,1000000 --tables dense --phase search --json',
  ]);
  addServe(verb);
  addComm(verb);
  addRanks(verb);
  addDevice(verb);
}

interface ServeOptions extends ServeBenchOptions {
  json?: boolean;
}

function addServe(verb: Command): void {
  const serve = verb
    .command('serve')
    .summary('time a ranking service under load')
    .description(
      'Starts `tributary serve` on an artifact and sends it requests from this process: as many as it answers, then half as many ' +
        'at fixed times, latency counted from when they were due. An echo server without a model, which parses and writes ' +
        'bodies of the same size, takes turns with it, every half second: read the ratios (medians of the rounds, with 95 % ' +
        'intervals), since tails depend on the machine. Values are drawn from the vocabularies.',
    )
    .addOption(new RequiredOption('--artifact <dir>', 'the artifact to serve'))
    .option(
      '--candidates <list>',
      'items of a request; several are measured one after the other',
      numbers,
      [1, 10, 100, 1000],
    )
    .option('--seconds <n>', 'length of each measurement, of each server', wholeNumber(1), 5)
    .option('--connections <n>', 'connections that ask at the same time', wholeNumber(1), 32)
    .option('--config <file>', 'the serving configuration (see docs/serving.md)')
    .option(
      '--leave-out <fields>',
      'fields that requests do not send, as age,genres: the service looks them up (`features` in its configuration)',
      names,
    )
    .option('--events', 'also measure the same service logging all events, in turn')
    .option(
      '--experiments <n>',
      'also measure the same service with so many experiments, one for each request',
      wholeNumber(1),
    )
    .addOption(jsonOption())
    .action(runServe);
  helpEnd(
    serve,
    [
      'tributary bench serve --artifact artifacts/shop',
      'tributary bench serve --artifact artifacts/shop --candidates 100 --seconds 20 --json',
      'tributary bench serve --artifact artifacts/shop --candidates 100 --seconds 20 --events',
      'tributary bench serve --artifact artifacts/shop --candidates 10 --seconds 20 --experiments 1000',
    ],
    ['artifact'],
  );
}

async function runServe({ json, ...options }: ServeOptions): Promise<void> {
  const copies = await twoCopies();
  if (copies > TWO_CORES)
    warn(
      `warning: two copies of a loop at once take ${copies.toFixed(2)} times as long as one: load and service share a core`,
    );
  const bench = await runServeBench(options, (timing) => json && printJson({ event: 'timing', ...timing, copies }));
  if (json) printJson({ event: 'result', ...bench, copies });
  else print(formatServeBench(bench));
}

async function run({ json, ...options }: Options): Promise<void> {
  const copies = await twoCopies();
  if (copies > TWO_CORES)
    warn(
      `warning: two copies of a loop at once take ${copies.toFixed(2)} times as long as one: this machine has no two free cores now`,
    );
  const keys = options.model === 'all' ? [...models.keys()] : [...new Set(options.model.split(','))];
  const timings: PhaseTiming[] = [];
  for (const model of keys) {
    const ofModel = await runTrainBench({ ...options, model });
    if (json) for (const timing of ofModel) printJson({ event: 'phase', ...timing, copies });
    timings.push(...ofModel);
  }
  if (json) return;
  print(formatTimings(timings));
  print(`two copies of a loop at once: ${copies.toFixed(2)} times the time of one`);
}

/** On stderr: stdout is for the measurements. */
const warn = (text: string): void => void process.stderr.write(`${text}\n`);
