import type { Command } from 'commander';
import { loadRunConfig, namesModel } from '../../../config/load.ts';
import { openPrepared } from '../../../data/prepared/open.ts';
import { findModel, models } from '../../../model/registry.ts';
import { newChoice } from '../../../study/choose/start.ts';
import { dataDefaults } from '../../../train/run/data-defaults.ts';
import { newRun } from '../../../train/run/new-run.ts';
import { chooseModel } from '../../choosing.ts';
import { helpEnd } from '../../help.ts';
import {
  backendOption,
  collect,
  defined,
  deviceOption,
  jsonOption,
  RequiredOption,
  seconds,
  seedOption,
  wholeNumber,
} from '../../options.ts';
import { isLead } from '../../process/ranks.ts';
import { follow, followLead } from '../../training.ts';

interface Options {
  data: string;
  model?: string;
  modelFile?: string[];
  preset?: string;
  set?: string[];
  config?: string;
  seed?: number;
  out?: string;
  warmStart?: string;
  warmStartData?: string;
  budget?: number;
  yardsticks?: string;
  backend?: string;
  device?: string;
  threads?: number;
  json?: boolean;
}

export function train(program: Command): void {
  const verb = program
    .command('train')
    .summary('train the best model in reach, or a given one, on a prepared data set')
    .description(
      'Trains a model, evaluates it on the test rows and leaves a run folder. Ctrl-C writes a checkpoint first. ' +
        'Without --model (and no model.key in --config) it chooses one: candidates that the budget pays for are trained and compared on validation rows, next to yardsticks; the chosen one goes on from there. ' +
        'Options come from defaults, --preset, --config, the options below and --set; later ones win. ' +
        'Without --preset, the defaults follow the size of the data: the run folder says what they are.',
    )
    .addOption(new RequiredOption('--data <dir>', 'a folder that `tributary prepare` wrote'))
    .option('--model <key>', `the model: ${[...models.keys()].join(', ')} (default: chosen by validation rows)`)
    .option(
      '--budget <time>',
      'what the choice of a model may take, like 90s, 2m, 1h: processor time of a usual core, by the sizes of data and models (default: twice the price of the yardsticks)',
      seconds,
    )
    .option(
      '--model-file <file>',
      'a TypeScript or JavaScript module with a model of your own; may be repeated',
      collect,
    )
    .option('--preset <name>', "a named starting point of the model; see 'tributary models'")
    .option('--config <file>', 'a run configuration (YAML, JSON, TypeScript)')
    .option(
      '--set <path=value>',
      'one option of the configuration, like train.batchSize=1024; may be repeated',
      collect,
    )
    .addOption(seedOption('decides initial weights, row order and dropout (default: 1)'))
    .option('--out <dir>', 'the run folder, new or empty (default: the next runs/MODEL-DATASET-NUMBER)')
    .option('--warm-start <run>', 'start from the weights of a finished run; tables grow for new tokens')
    .option('--warm-start-data <dir>', 'the prepared data set of that run, if it was moved')
    .option(
      '--yardsticks <which>',
      'simple predictors to hold the model against: none, quick (rates of cells, logistic regression) or all (and boosted trees) (default: quick; all where the model is chosen)',
    )
    .addOption(backendOption())
    .addOption(deviceOption())
    .option('--threads <n>', 'threads of ONNX Runtime (default: all cores)', wholeNumber(1))
    .addOption(jsonOption())
    .action((options: Options) => run(options, verb));
  helpEnd(
    verb,
    [
      'tributary train --data data/shop --budget 5m',
      'tributary train --data data/ml-1m --model autoifs --preset ml-1m --seed 2022',
      "tributary train --data data/shop --model autoifs --set 'model.mlpDims=[256,128,64]' --set train.maxEpochs=5",
      'tributary train --data data/today --config run.yaml --warm-start runs/autoifs-shop-3 --out runs/today --json',
    ],
    ['data', 'artifact', 'training', 'interrupted'],
  );
}

async function run(options: Options, verb: Command): Promise<void> {
  const { model, modelFile, preset, config, set, seed, out, json } = options;
  const { warmStart, warmStartData, yardsticks, backend, device, threads } = options;
  const flags = defined({
    model: model && { key: model },
    modelFiles: modelFile,
    seed,
    warmStart,
    warmStartData,
    yardsticks,
    backend,
    threads,
    train: device && { device },
  });
  const isNamed = await namesModel({ config, flags, set });
  checkChoice(options, isNamed, verb);
  if (!isLead()) return followLead();
  const data = await openPrepared(options.data);
  const place = out === undefined ? { parent: 'runs' } : { folder: out };
  if (!isNamed) {
    const folder = await newChoice(data, { config, flags, set }, options.budget, place);
    if (await chooseModel(folder, { json })) await follow(folder, { json });
    return;
  }
  const run = await loadRunConfig({
    models,
    // A configuration that is written down gives the same run on any data.
    defaults: config === undefined ? (key, start) => dataDefaults(findModel(key), data.manifest, start) : undefined,
    preset,
    config,
    set,
    flags,
  });
  await follow(await newRun(run, data, place), { json });
}

/** Refuses options of a choice where a model is named, and those of a model where none is. */
function checkChoice({ budget, preset, warmStart, modelFile }: Options, isNamed: boolean, verb: Command): void {
  if (isNamed) {
    if (budget !== undefined) verb.error('--budget is for choosing a model, and one is named: leave out one of them');
    return;
  }
  const given = Object.entries({ '--preset': preset, '--warm-start': warmStart, '--model-file': modelFile });
  for (const [option, value] of given)
    if (value !== undefined) verb.error(`${option} belongs to a model: name it with --model`);
}
