import type { Command } from 'commander';
import { isChoosing } from '../../../study/choose/folder.ts';
import { chooseModel } from '../../choosing.ts';
import { helpEnd } from '../../help.ts';
import { dataOption, jsonOption } from '../../options.ts';
import { isLead } from '../../process/ranks.ts';
import { follow, followLead } from '../../training.ts';

export function resume(program: Command): void {
  const verb = program
    .command('resume')
    .summary('resume a training that was stopped or killed')
    .description(
      'Resumes from the newest checkpoint. The result has the same bits as that of an uninterrupted training. ' +
        'A run whose model is still being chosen goes on with the choice: what is trained is not trained again.',
    )
    .argument('<run>', 'the run folder')
    .option(
      '--from <checkpoint>',
      'continue from this checkpoint of RUN/checkpoints, such as 000012 (default: the newest)',
    )
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(go);
  helpEnd(
    verb,
    [
      'tributary resume runs/autoifs-ml-1m-1',
      'tributary resume runs/autoifs-ml-1m-1 --from 000012 --json',
      'tributary resume runs/autoifs-shop-1 --data /mnt/moved/shop',
    ],
    ['data', 'artifact', 'training', 'interrupted'],
  );
}

interface Options {
  from?: string;
  data?: string;
  json?: boolean;
}

/** A run whose model is still being chosen goes on choosing first. */
async function go(run: string, options: Options): Promise<void> {
  if (!isLead()) return followLead();
  if (isChoosing(run) && !(await chooseModel(run, options))) return;
  await follow(run, options);
}
