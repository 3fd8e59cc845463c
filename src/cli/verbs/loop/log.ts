import { type Command, Option } from 'commander';
import { error } from '../../../base/errors/index.ts';
import type { Pruned } from '../../../events/log.ts';
import type { LogReport } from '../../../events/report.ts';
import { hashUnit, secretOf } from '../../../events/unit.ts';
import { driftText } from '../../../report/loop/drift.ts';
import { count } from '../../../report/numbers.ts';
import { LOG, withLog } from '../../event-log.ts';
import { helpEnd } from '../../help.ts';
import { duration, instant, jsonOption, RequiredOption } from '../../options.ts';
import { print, printJson } from '../../output.ts';

export function log(program: Command): void {
  const verb = program
    .command('log')
    .summary('check the event log of a service, delete events from it')
    .description(
      'Works on the log that a service with `events` in its configuration writes: a folder of segments, or the serving ' +
        'configuration that names the log, wherever it is (segments, PostgreSQL, Redis). See docs/loop.md.',
    );
  addCheck(verb);
  addForget(verb);
  addPrune(verb);
  addDrift(verb);
  helpEnd(verb, ['tributary log check /var/lib/shop/events', 'tributary log check serving.yaml'], ['artifact']);
}

function addCheck(log: Command): void {
  const verb = log
    .command('check')
    .summary('count events, gaps, torn lines and duplicates')
    .description(
      'Reads the whole log. Damaged lines are an error; gaps and duplicates are not: services note and expect them.',
    )
    .argument('<log>', LOG)
    .addOption(jsonOption())
    .action(runCheck);
  helpEnd(verb, ['tributary log check /var/lib/shop/events', 'tributary log check events --json'], ['artifact']);
}

async function runCheck(place: string, { json }: { json?: boolean }): Promise<void> {
  const { name, report } = await withLog(place, async (log) => ({ name: log.name, report: await log.check() }));
  if (json) printJson({ event: 'result', log: name, ...report });
  else print(checkText(name, report));
  const { lines, examples } = report.damaged;
  if (lines > 0) throw error('EVENT_LOG_DAMAGED', { log: name, lines, examples });
}

const segmentsText = (segments: number): string => `${count(segments)} ${segments === 1 ? 'segment' : 'segments'}`;

const time = (milliseconds: number | undefined): string =>
  milliseconds === undefined ? '-' : new Date(milliseconds).toISOString();

function checkText(name: string, { segments, open, bytes, events, gaps, ...report }: LogReport): string {
  const { impression, interaction, correction } = events;
  const files = segments === undefined ? '' : `${segmentsText(segments)} (${open} being written), `;
  return [
    `${name}: ${files}${count(bytes)} bytes`,
    `  events      ${count(impression)} impressions, ${count(interaction)} interactions, ${count(correction)} corrections`,
    `  time        ${time(report.first)} to ${time(report.last)}`,
    `  duplicates  ${count(report.duplicates)}`,
    `  forgotten   ${count(report.forgotten)}`,
    `  gaps        ${count(gaps.dropped)} events dropped, ${count(gaps.torn)} torn lines, ${count(gaps.segments)} segments missing`,
    `  damaged     ${count(report.damaged.lines)} lines`,
  ].join('\n');
}

interface ForgetOptions {
  unit: string;
  hash?: string;
  wait?: boolean;
  json?: boolean;
}

function addForget(log: Command): void {
  const verb = log
    .command('forget')
    .summary("delete a user's events")
    .description(
      'Deletes the impressions of a unit, and the interactions and corrections of their requests. Segments are rewritten ' +
        'as a whole. Those that a service is writing must be finished first: after events.rotate.seconds at the latest.',
    )
    .argument('<log>', LOG)
    .addOption(new RequiredOption('--unit <value>', 'the unit: the value of the field that events.unit names'))
    .option('--hash <env:NAME>', 'where the service hashes units: the same as events.unitHash')
    .option('--wait', 'wait until the segments being written now are finished, and delete there, too')
    .addOption(jsonOption())
    .action(runForget);
  helpEnd(verb, [
    'tributary log forget /var/lib/shop/events --unit 4711',
    'tributary log forget events --unit 4711 --hash env:UNIT_SALT --wait',
  ]);
}

async function runForget(place: string, { unit, hash, wait, json }: ForgetOptions): Promise<void> {
  const kept = hash === undefined ? unit : hashUnit(unit, secretOf(hash, '--hash'));
  const { name, events, segments, left } = await withLog(place, async (log) => {
    if (wait) await log.settled();
    return { name: log.name, ...(await log.forget(kept)) };
  });
  const files = segments === undefined ? '' : `${count(segments)} segments of `;
  if (json) printJson({ event: 'result', log: name, events, segments, left });
  else print(`${count(events)} events of the unit were deleted from ${files}${name}`);
  if (left > 0) throw error('EVENT_LOG_OPEN', { folder: name, left });
}

function addPrune(log: Command): void {
  const verb = log
    .command('prune')
    .summary('delete old events')
    .description(
      'Deletes events older than the age given. Segments go as a whole: finished ones in which every event is older.',
    )
    .argument('<log>', LOG)
    .addOption(new RequiredOption('--older-than <age>', 'such as 30d, 12h').argParser(duration))
    .addOption(jsonOption())
    .action(runPrune);
  helpEnd(verb, ['tributary log prune /var/lib/shop/events --older-than 30d']);
}

async function runPrune(place: string, { olderThan, json }: { olderThan: number; json?: boolean }): Promise<void> {
  const before = Date.now() - olderThan;
  const { name, pruned } = await withLog(place, async (log) => ({ name: log.name, pruned: await log.prune(before) }));
  if (json) printJson({ event: 'result', log: name, before, ...pruned });
  else print(`${prunedText(pruned)} before ${time(before)} were deleted from ${name}`);
}

const prunedText = (pruned: Pruned): string =>
  'segments' in pruned
    ? `${segmentsText(pruned.segments)} (${count(pruned.bytes)} bytes) with events`
    : `${count(pruned.events)} events`;

interface DriftOptions {
  artifact: string;
  from?: number;
  to?: number;
  json?: boolean;
}

function addDrift(log: Command): void {
  const verb = log
    .command('drift')
    .summary('compare what a service is asked with what its model was trained on')
    .description(
      'Counts the values of all items that answers of the log showed, by the vocabularies of an artifact, next to its training rows: ' +
        'population stability index and share of unknown values by field, shares of the scenarios, and the probabilities that it ' +
        'answered next to those of its validation rows.',
    )
    .argument('<log>', LOG)
    .addOption(new RequiredOption('--artifact <dir>', 'the artifact whose training rows are compared'))
    .addOption(
      new Option('--from <time>', 'count answers from this time on, such as 2026-08-01T00:00Z').argParser(instant),
    )
    .addOption(new Option('--to <time>', 'count answers before this time').argParser(instant))
    .addOption(jsonOption())
    .action(runDrift);
  helpEnd(
    verb,
    [
      'tributary log drift /var/lib/shop/events --artifact artifacts/shop',
      'tributary log drift events --artifact artifacts/shop --from 2026-08-01T00:00Z --json',
    ],
    ['data', 'artifact'],
  );
}

async function runDrift(place: string, { artifact, json, ...options }: DriftOptions): Promise<void> {
  const { logDrift } = await import('../../../replay/drift.ts');
  const document = await withLog(place, (log) => logDrift(log, artifact, options));
  if (json) printJson({ event: 'result', ...document });
  else print(driftText(document));
}
