import type { Command } from 'commander';
import { error } from '../../../base/errors/index.ts';
import { replayText } from '../../../report/loop/replay.ts';
import { LOG, withLog } from '../../event-log.ts';
import { helpEnd } from '../../help.ts';
import { collect, duration, jsonOption, number, RequiredOption, seedOption, worths } from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options {
  policy: string;
  reward?: string[];
  window?: number;
  temperature?: number;
  config?: string;
  seed?: number;
  json?: boolean;
}

export function replay(program: Command): void {
  const verb = program
    .command('replay')
    .summary('estimate from a log what an artifact would bring')
    .description(
      'Asks the artifact for the requests of a log that were answered in a random order (exploration), and estimates by their known ' +
        'chances what a request would bring if it served. Says first whether the log can tell, and refuses with the reason where not; ' +
        'see docs/loop.md.',
    )
    .argument('<log>', LOG)
    .addOption(new RequiredOption('--policy <artifact>', 'the artifact to judge'))
    .option(
      '--reward <type=worth>',
      "what an interaction of this type is worth; may be repeated (default: 1 for each of the artifact's tasks)",
      collect,
    )
    .option(
      '--window <age>',
      'count what comes so long after a request, such as 7d, and leave out younger requests',
      duration,
    )
    .option(
      '--temperature <t>',
      'judge the artifact in a random order of this temperature (default: by falling score)',
      number(0),
    )
    .option('--config <file>', 'the serving configuration that it is to have, for its score expressions')
    .addOption(seedOption('seed of the bootstrap (default: 1)'))
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    [
      'tributary replay /var/lib/shop/events --policy artifacts/shop-new',
      'tributary replay events --policy artifacts/shop-new --reward click=1 --reward purchase=20 --window 7d --json',
    ],
    ['data', 'artifact'],
  );
}

async function run(place: string, { policy: artifact, reward, config, json, ...options }: Options): Promise<void> {
  const { openPolicy } = await import('../../../replay/policy.ts');
  const { replayLog } = await import('../../../replay/replay.ts');
  const policy = await openPolicy(artifact, config);
  try {
    const rewards =
      reward === undefined
        ? Object.fromEntries(policy.tasks.map((task) => [task, 1]))
        : worths(reward, 'tributary replay');
    const document = await withLog(place, (log) => replayLog(log, policy, { ...options, reward: rewards }));
    if (json) printJson({ event: 'result', ...document });
    else print(replayText(document));
    if (document.refusals.length > 0) throw error('REPLAY_REFUSED', { log: document.log, refusals: document.refusals });
  } finally {
    await policy.close();
  }
}
