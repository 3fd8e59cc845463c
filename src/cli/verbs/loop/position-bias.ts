import type { Command } from 'commander';
import { positionBiasText } from '../../../report/loop/position-bias.ts';
import { LOG, withLog } from '../../event-log.ts';
import { helpEnd } from '../../help.ts';
import { jsonOption, seedOption } from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options {
  type?: string;
  seed?: number;
  json?: boolean;
}

export function positionBiasVerb(program: Command): void {
  const verb = program
    .command('position-bias')
    .summary('how much less the positions of a list are looked at than the first')
    .description(
      'By random orders where the log has explored requests with chances by position; else by items that several rankers put at ' +
        'different positions; else by a click model, which may not be able to tell. See docs/loop.md.',
    )
    .argument('<log>', LOG)
    .option('--type <name>', 'type of the interactions to count (default: the most frequent one)')
    .addOption(seedOption('seed of the bootstrap (default: 1)'))
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    ['tributary position-bias /var/lib/shop/events', 'tributary position-bias events --type purchase --json'],
    ['data', 'artifact'],
  );
}

async function run(place: string, { json, ...options }: Options): Promise<void> {
  const { positionBias } = await import('../../../replay/position-bias.ts');
  const document = await withLog(place, (log) => positionBias(log, options));
  if (json) printJson({ event: 'result', ...document });
  else print(positionBiasText(document));
}
