import type { Command } from 'commander';
import { openPrepared } from '../../../data/prepared/open.ts';
import { importWeights } from '../../../interop/exchange.ts';
import { layouts } from '../../../interop/registry.ts';
import { helpEnd } from '../../help.ts';
import { RequiredOption } from '../../options.ts';
import { print } from '../../output.ts';

interface Options {
  model: string;
  weights: string;
  config: string;
  out?: string;
  data?: string;
}

export function importVerb(program: Command): void {
  const verb = program
    .command('import')
    .summary("bring the weights of a model's published implementation into a run folder")
    .description(
      'Takes every tensor by the name its authors gave it. The run folder can be evaluated and predict; it has no training ' +
        'to resume, but --warm-start can start from it.',
    )
    .addOption(new RequiredOption('--model <key>', `the model: ${[...layouts.keys()].join(', ')}`))
    .addOption(
      new RequiredOption(
        '--weights <file>',
        "safetensors with the authors' names, with or without the prefix `param.`",
      ),
    )
    .addOption(
      new RequiredOption('--config <file>', "the authors' configuration as JSON, flat or as the entry `config`"),
    )
    .option('--out <dir>', 'the run folder, new or empty (default: the next runs/MODEL-DATASET-NUMBER)')
    .option('--data <dir>', 'the prepared data set that the weights score (default: named when they are used)')
    .action(run);
  helpEnd(
    verb,
    [
      'tributary import --model autoifs --weights authors.safetensors --config authors.json --data data/ml-1m --out runs/authors',
    ],
    ['data', 'artifact'],
  );
}

async function run({ model, weights, config, out, data }: Options): Promise<void> {
  const place = out === undefined ? { parent: 'runs' } : { folder: out };
  const opened = data === undefined ? undefined : await openPrepared(data);
  const folder = importWeights({ model, weights, config, place, data: opened });
  print(
    `imported ${weights} to ${folder}\nnext: tributary evaluate ${folder}${data === undefined ? ' --data DIR' : ''}`,
  );
}
