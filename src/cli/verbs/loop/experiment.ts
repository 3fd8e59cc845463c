import type { Command } from 'commander';
import { configuredExperiment } from '../../../experiment/configured.ts';
import { reportExperiment } from '../../../experiment/report.ts';
import { experimentMarkdown, experimentText } from '../../../report/experiment/report.ts';
import { LOG, withLog } from '../../event-log.ts';
import { helpEnd } from '../../help.ts';
import { duration, instant, jsonOption, memoryOption, RequiredOption } from '../../options.ts';
import { print, printJson } from '../../output.ts';

export function experiment(program: Command): void {
  const verb = program
    .command('experiment')
    .summary('judge online experiments by the log of a service, and ramp them')
    .description(
      'Online experiments: which arms there are, how long one takes, what the log says of it. See docs/experiments.md.',
    );
  addReport(verb);
  helpEnd(
    verb,
    ['tributary experiment report /var/lib/shop/events --key flows-2026-12 --config serving.yaml'],
    ['data', 'artifact'],
  );
}

interface ReportVerbOptions {
  key: string;
  config?: string;
  asOf?: number;
  before?: number;
  markdown?: boolean;
  memoryLimit?: string;
  json?: boolean;
}

function addReport(experiment: Command): void {
  const verb = experiment
    .command('report')
    .summary('what the log says of an experiment, and the verdict')
    .description(
      'Reads the log, checks the assignment, compares every arm with the control by units, and ends in one sentence: ship, roll back, ' +
        'go on, no difference, or broken. Without --config all types of interactions decide and arms have equal weights.',
    )
    .argument('<log>', LOG)
    .addOption(new RequiredOption('--key <name>', 'the experiment'))
    .option('--config <file>', 'a serving configuration, or a file with `experiments`: metrics, margins, weights')
    .option('--as-of <time>', 'take the log as it was then, as 2026-11-30T12:00:00Z (default: all of it)', instant)
    .option('--before <age>', 'how far the time before the experiment goes back (default: 14d)', duration)
    .option('--markdown', 'write the report as Markdown')
    .addOption(memoryOption())
    .addOption(jsonOption())
    .action(runReport);
  helpEnd(
    verb,
    [
      'tributary experiment report /var/lib/shop/events --key flows-2026-12 --config serving.yaml',
      'tributary experiment report serving.yaml --key flows-2026-12 --config serving.yaml --json',
    ],
    ['data', 'artifact'],
  );
}

async function runReport(
  place: string,
  { key, config: file, markdown, json, ...options }: ReportVerbOptions,
): Promise<void> {
  const config = file === undefined ? undefined : await configuredExperiment(file, key);
  const document = await withLog(place, (log) => reportExperiment(log, { key, config, ...options }));
  if (json) printJson({ event: 'result', ...document });
  else print(markdown ? experimentMarkdown(document) : experimentText(document));
}
