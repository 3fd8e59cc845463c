import type { Command } from 'commander';
import { helpEnd } from '../../help.ts';
import { dataOption, jsonOption } from '../../options.ts';
import { follow } from '../../training.ts';

export function resume(program: Command): void {
  const verb = program
    .command('resume')
    .summary('resume a training that was stopped or killed')
    .description(
      'Resumes from the newest checkpoint. The result has the same bits as that of an uninterrupted training.',
    )
    .argument('<run>', 'the run folder')
    .option(
      '--from <checkpoint>',
      'continue from this checkpoint of RUN/checkpoints, such as 000012 (default: the newest)',
    )
    .addOption(dataOption())
    .addOption(jsonOption())
    .action((run: string, options: { from?: string; data?: string; json?: boolean }) =>
      follow(run, options).then(() => {}),
    );
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
