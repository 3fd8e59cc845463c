import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { error } from '../../../base/errors/index.ts';
import { type Metric, parseMetric } from '../../../config/experiment/metric.ts';
import { secretOf } from '../../../events/unit.ts';
import { configuredExperiment, configuredExperiments } from '../../../experiment/configured.ts';
import { planExperiment } from '../../../experiment/plan.ts';
import { type RampStep, readRamp, stepRamp } from '../../../experiment/ramp/ramp.ts';
import { servedExperiments } from '../../../experiment/ramp/service.ts';
import { reportExperiment } from '../../../experiment/report.ts';
import { experimentsText, planText, rampText } from '../../../report/experiment/ramp.ts';
import { experimentMarkdown, experimentText } from '../../../report/experiment/report.ts';
import { LOG, withLog } from '../../event-log.ts';
import { helpEnd } from '../../help.ts';
import {
  address,
  duration,
  instant,
  jsonOption,
  memoryOption,
  number,
  RequiredOption,
  wholeNumber,
} from '../../options.ts';
import { print, printJson } from '../../output.ts';
import { onStopSignal } from '../../process/stop.ts';

export function experiment(program: Command): void {
  const verb = program
    .command('experiment')
    .summary('judge online experiments by the log of a service, and ramp them')
    .description(
      'Online experiments: which arms there are, how long one takes, what the log says of it. See docs/experiments.md.',
    );
  addReport(verb);
  addPlan(verb);
  addList(verb);
  addRamp(verb);
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
  history?: number;
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
    .addOption(
      new Option(
        '--history <n>',
        'keep what was known at the ends of n earlier days in the document, for its page (default: 10 with --json, else none)',
      ).argParser(wholeNumber(0)),
    )
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
  { key, config: file, markdown, json, history = json ? 10 : undefined, ...options }: ReportVerbOptions,
): Promise<void> {
  const config = file === undefined ? undefined : await configuredExperiment(file, key);
  const document = await withLog(place, (log) => reportExperiment(log, { key, config, history, ...options }));
  if (json) printJson({ event: 'result', ...document });
  else print(markdown ? experimentMarkdown(document) : experimentText(document));
}

interface PlanVerbOptions {
  metric: Metric;
  effect: { absolute: number } | { relative: number };
  power: number;
  arms: number;
  coverage: number;
  memoryLimit?: string;
  json?: boolean;
}

function addPlan(experiment: Command): void {
  const verb = experiment
    .command('plan')
    .summary('how many units and days an experiment takes')
    .description(
      'By the variance between units and the traffic that the log of a service has. Units that the service has not met yet come as fast as in its last week.',
    )
    .argument('<log>', LOG)
    .addOption(
      new RequiredOption('--metric <name>', 'such as click, "units with buy", "value of buy per unit"').argParser(
        metric,
      ),
    )
    .addOption(
      new RequiredOption('--effect <e>', 'the difference to find: 0.002, or 2% of the metric').argParser(effect),
    )
    .option('--power <p>', 'chance to find it', number(0.05, 0.999), 0.8)
    .option('--arms <n>', 'arms of equal size', wholeNumber(2), 2)
    .option('--coverage <share>', 'share of units that take part', number(0.0001, 1), 1)
    .addOption(memoryOption())
    .addOption(jsonOption())
    .action(async (place: string, { json, ...options }: PlanVerbOptions) => {
      const plan = await withLog(place, (log) => planExperiment(log, options));
      if (json) printJson({ event: 'result', ...plan });
      else print(planText(plan));
    });
  helpEnd(
    verb,
    [
      'tributary experiment plan /var/lib/shop/events --metric click --effect 2%',
      "tributary experiment plan events --metric 'units with buy' --effect 0.002 --coverage 0.5",
    ],
    ['data', 'artifact'],
  );
}

function metric(text: string): Metric {
  const found = parseMetric(text);
  if (found === undefined)
    throw new InvalidArgumentError('Expected a metric, as click, click per unit, units with buy.');
  return found;
}

function effect(text: string): PlanVerbOptions['effect'] {
  const [, amount, isShare] = /^(\d*\.?\d+) ?(%)?$/.exec(text) ?? [];
  const value = Number(amount);
  if (!(value > 0)) throw new InvalidArgumentError('Expected a difference above 0, as 0.002, or 2%.');
  return isShare === undefined ? { absolute: value } : { relative: value / 100 };
}

function addList(experiment: Command): void {
  const verb = experiment
    .command('list')
    .summary('the experiments of a service or of a configuration')
    .argument(
      '<place>',
      'address of a service, or a file: a serving configuration, or what GET /admin/experiments answered',
    )
    .addOption(adminKey())
    .addOption(jsonOption())
    .action(async (place: string, { adminKey: named, json }: { adminKey?: string; json?: boolean }) => {
      const experiments = /^https?:/.test(place)
        ? (await servedExperiments({ url: place, key: keyOf(named) })).experiments
        : await configuredExperiments(fileAt(place));
      if (json) printJson({ event: 'result', experiments });
      else print(experimentsText(experiments));
    });
  helpEnd(verb, [
    'tributary experiment list serving.yaml',
    'tributary experiment list http://127.0.0.1:8080 --admin-key env:SHOP_ADMIN',
  ]);
}

/** Throws FILE_MISSING: what is no address should be a file. */
function fileAt(place: string): string {
  if (!existsSync(place)) throw error('FILE_MISSING', { path: place, expected: 'an address (http://...) or a file' });
  return place;
}

const adminKey = (): Option =>
  new Option('--admin-key <env:NAME>', 'the environment variable that holds an admin key of the service');
const keyOf = (named: string | undefined): string | undefined =>
  named === undefined ? undefined : secretOf(named, '--admin-key');

interface RampVerbOptions {
  url: string;
  key: string;
  folder: string;
  adminKey?: string;
  every?: number;
  now?: number;
  status?: boolean;
  memoryLimit?: string;
  json?: boolean;
}

function addRamp(experiment: Command): void {
  const verb = experiment
    .command('ramp')
    .summary('raise the coverage of an experiment step by step, and take it back where it harms')
    .description(
      'Reads the log and decides: the next step of `ramp` once this one has lasted and has its units and no guardrail is losing; coverage 0 ' +
        'as soon as the assignment is broken, a guardrail is lost or a success metric is worse. Stops when the verdict is there. Killed at any moment, the next call goes on.',
    )
    .argument('<log>', LOG)
    .addOption(new RequiredOption('--url <address>', 'of the service, as http://127.0.0.1:8080').argParser(address))
    .addOption(new RequiredOption('--key <name>', 'the experiment'))
    .addOption(new RequiredOption('--folder <dir>', 'records of the ramp, made if it is not there'))
    .addOption(adminKey())
    .addOption(new Option('--once', 'one look (default)'))
    .addOption(
      new Option('--every <time>', 'a look whenever this time has passed, until the ramp is over: 1h, 30m')
        .argParser(duration)
        .conflicts('once'),
    )
    .option(
      '--now <time>',
      'the time that decides how long a step has lasted, as 2026-11-30T12:00Z (default: now)',
      instant,
    )
    .option('--status', 'only show the records')
    .addOption(memoryOption())
    .addOption(jsonOption())
    .action(runRamp);
  helpEnd(
    verb,
    [
      'tributary experiment ramp /var/lib/shop/events --url http://127.0.0.1:8080 --admin-key env:SHOP_ADMIN --key flows-2026-12 --folder ramps/flows --every 1h',
    ],
    ['data', 'artifact', 'interrupted'],
  );
}

async function runRamp(
  place: string,
  { url, key, folder, adminKey: named, every, now, status, memoryLimit, json = false }: RampVerbOptions,
): Promise<void> {
  if (status) {
    const ramp = readRamp(folder);
    if (json) printJson({ event: 'result', ramp: ramp ?? null });
    else print(ramp === undefined ? 'no ramp has begun' : rampText(ramp));
    return;
  }
  const service = { url, key: keyOf(named) };
  const stop = new AbortController();
  const forget = onStopSignal(() => stop.abort());
  try {
    for (;;) {
      const began = Date.now();
      const step = await withLog(place, (log) => stepRamp(log, { service, key, folder, now, memoryLimit }));
      showStep(step, json);
      if (every === undefined || step.isOver) return;
      await pause(Math.max(0, began + every - Date.now()), undefined, { signal: stop.signal }).catch(() => {});
      if (stop.signal.aborted) return;
    }
  } finally {
    forget();
  }
}

function showStep({ ramp, report, isOver }: RampStep, json: boolean): void {
  if (json) printJson({ event: 'result', isOver, ramp, ...(report !== undefined && { report }) });
  else print(rampText(ramp));
}
