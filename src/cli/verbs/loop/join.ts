import { type Command, InvalidArgumentError } from 'commander';
import { isDate } from '../../../base/times.ts';
import { joinSource, loadJoinConfig } from '../../../config/load-join.ts';
import { type JoinProgress, join as joinLog } from '../../../loop/join/join.ts';
import { joinText } from '../../../report/join.ts';
import { count } from '../../../report/numbers.ts';
import { helpEnd } from '../../help.ts';
import { instant, jsonOption, memoryOption, RequiredOption } from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options {
  config: string;
  out: string;
  from?: string;
  to?: string;
  asOf?: number;
  memoryLimit?: string;
  json?: boolean;
}

export function join(program: Command): void {
  const verb = program
    .command('join')
    .summary('make training rows of an event log')
    .description(
      'Joins the answers of a service with what users did: a row for each item that was shown, with its values as they were ' +
        'used and a label for each task. A later run reads only what is new in the log and writes only the days that change. ' +
        'Writes dataset.yaml next to the rows, with the fields of the artifact, for `tributary prepare`; see docs/loop.md.',
    )
    .argument('<log>', 'a folder of segments, or a file with the serving configuration')
    .addOption(new RequiredOption('--config <file>', 'which artifact served, and the window of each task'))
    .addOption(new RequiredOption('--out <dir>', 'folder for the rows'))
    .option('--from <date>', 'first day of answers, as 2026-11-30 (UTC; default: the first)', date)
    .option('--to <date>', 'last day of answers (default: the last)', date)
    .option('--as-of <time>', 'take the log as it was then, as 2026-11-30T12:00:00Z (default: now)', instant)
    .addOption(memoryOption())
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    [
      'tributary join /var/lib/shop/events --config join.yaml --out rows',
      'tributary join events --config join.yaml --out rows/november --from 2026-11-01 --to 2026-11-30',
    ],
    ['data', 'artifact'],
  );
}

function date(text: string): string {
  if (!isDate(text)) throw new InvalidArgumentError('Expected a date as 2026-11-30.');
  return text;
}

async function run(log: string, { config: path, json, ...options }: Options, verb: Command): Promise<void> {
  const { from, to } = options;
  if (from !== undefined && to !== undefined && from > to) verb.error(`--from ${from} is after --to ${to}`);
  const config = await loadJoinConfig(path);
  const onEvent = (event: JoinProgress): void => (json ? printJson(event) : print(progressText(event)));
  const done = await joinLog({ log, config, source: joinSource(path), now: Date.now(), onEvent, ...options });
  if (json) printJson({ event: 'result', dataset: done.dataset, ...done.document });
  else print(joinText(done.document, done.dataset));
}

const progressText = (event: JoinProgress): string =>
  event.step === 'reading the log'
    ? `reading the log: ${count(event.bytes)} bytes`
    : `writing rows: ${event.day} (${event.number}/${event.of})`;
