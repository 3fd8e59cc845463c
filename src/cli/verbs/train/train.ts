import type { Command } from 'commander';
import { loadRunConfig } from '../../../config/load.ts';
import { openPrepared } from '../../../data/prepared/open.ts';
import { findModel, models } from '../../../model/registry.ts';
import { dataDefaults } from '../../../train/run/data-defaults.ts';
import { newRun } from '../../../train/run/new-run.ts';
import { helpEnd } from '../../help.ts';
import { backendOption, collect, defined, jsonOption, RequiredOption, seedOption, wholeNumber } from '../../options.ts';
import { follow } from '../../training.ts';

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
  yardsticks?: string;
  backend?: string;
  threads?: number;
  json?: boolean;
}

export function train(program: Command): void {
  const verb = program
    .command('train')
    .summary('train a model on a prepared data set')
    .description(
      'Trains a model, evaluates it on the test rows and leaves a run folder. Ctrl-C writes a checkpoint first. ' +
        'Options come from defaults, --preset, --config, the options below and --set; later ones win. ' +
        'Without --preset, the defaults follow the size of the data: the run folder says what they are.',
    )
    .addOption(new RequiredOption('--data <dir>', 'a folder that `tributary prepare` wrote'))
    .option('--model <key>', `the model: ${[...models.keys()].join(', ')} (or model.key of --config)`)
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
      'simple predictors to hold the model against: none, quick (rates of cells, logistic regression) or all (and boosted trees) (default: quick)',
    )
    .addOption(backendOption())
    .option('--threads <n>', 'threads of ONNX Runtime (default: all cores)', wholeNumber(1))
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    [
      'tributary train --data data/ml-1m --model autoifs --preset ml-1m --seed 2022',
      "tributary train --data data/shop --model autoifs --set 'model.mlpDims=[256,128,64]' --set train.maxEpochs=5",
      'tributary train --data data/today --config run.yaml --warm-start runs/autoifs-shop-3 --out runs/today --json',
    ],
    ['data', 'artifact', 'training', 'interrupted'],
  );
}

async function run(options: Options): Promise<void> {
  const {
    model,
    modelFile,
    preset,
    config,
    set,
    seed,
    warmStart,
    warmStartData,
    yardsticks,
    backend,
    threads,
    out,
    json,
  } = options;
  const data = await openPrepared(options.data);
  const flags = defined({
    model: model && { key: model },
    modelFiles: modelFile,
    seed,
    warmStart,
    warmStartData,
    yardsticks,
    backend,
    threads,
  });
  const run = await loadRunConfig({
    models,
    // A configuration that is written down gives the same run on any data.
    defaults: config === undefined ? (key, start) => dataDefaults(findModel(key), data.manifest, start) : undefined,
    preset,
    config,
    set,
    flags,
  });
  await follow(await newRun(run, data, out === undefined ? { parent: 'runs' } : { folder: out }), { json });
}
