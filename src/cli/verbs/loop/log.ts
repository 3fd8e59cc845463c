import type { Command } from 'commander';
import { error } from '../../../base/errors/index.ts';
import { checkSegments, type LogReport } from '../../../events/segments/check.ts';
import { forgetUnit, isOlderOpen } from '../../../events/segments/forget.ts';
import { pruneSegments } from '../../../events/segments/prune.ts';
import { hashUnit, secretOf } from '../../../events/unit.ts';
import { count } from '../../../report/numbers.ts';
import { helpEnd } from '../../help.ts';
import { age, jsonOption, RequiredOption } from '../../options.ts';
import { print, printJson } from '../../output.ts';

export function log(program: Command): void {
  const verb = program
    .command('log')
    .summary('check the event log of a service, delete events from it')
    .description(
      'Works on a folder of segments that a service with `events` in its configuration wrote; see docs/loop.md.',
    );
  addCheck(verb);
  addForget(verb);
  addPrune(verb);
  helpEnd(verb, ['tributary log check /var/lib/shop/events'], ['artifact']);
}

function addCheck(log: Command): void {
  const verb = log
    .command('check')
    .summary('count events, gaps, torn lines and duplicates')
    .description(
      'Reads the whole log. Damaged lines are an error; gaps and duplicates are not: services note and expect them.',
    )
    .argument('<dir>', 'the folder of segments')
    .addOption(jsonOption())
    .action(runCheck);
  helpEnd(verb, ['tributary log check /var/lib/shop/events', 'tributary log check events --json'], ['artifact']);
}

async function runCheck(folder: string, { json }: { json?: boolean }): Promise<void> {
  const report = await checkSegments(folder);
  if (json) printJson({ event: 'result', folder, ...report });
  else print(checkText(folder, report));
  const { lines, examples } = report.damaged;
  if (lines > 0) throw error('EVENT_LOG_DAMAGED', { folder, lines, examples });
}

const time = (milliseconds: number | undefined): string =>
  milliseconds === undefined ? '-' : new Date(milliseconds).toISOString();

function checkText(folder: string, { segments, open, bytes, events, gaps, ...report }: LogReport): string {
  const { impression, interaction, correction } = events;
  return [
    `${folder}: ${count(segments)} segments (${open} being written), ${count(bytes)} bytes`,
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
      'Deletes the impressions of a unit, and the interactions and corrections of their requests. Each segment is rewritten ' +
        'as a whole. Segments that a service is writing must be finished first: after events.rotate.seconds at the latest.',
    )
    .argument('<dir>', 'the folder of segments')
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

const POLL_MS = 500;

async function runForget(folder: string, { unit, hash, wait, json }: ForgetOptions): Promise<void> {
  const kept = hash === undefined ? unit : hashUnit(unit, secretOf(hash, '--hash'));
  const began = Date.now();
  while (wait && isOlderOpen(folder, began)) await new Promise((done) => setTimeout(done, POLL_MS));
  const { events, segments, left } = await forgetUnit(folder, kept);
  if (json) printJson({ event: 'result', folder, events, segments, left });
  else print(`${count(events)} events of the unit were deleted from ${count(segments)} segments of ${folder}`);
  if (left > 0) throw error('EVENT_LOG_OPEN', { folder, left });
}

function addPrune(log: Command): void {
  const verb = log
    .command('prune')
    .summary('delete old segments')
    .description('Deletes finished segments in which every event is older than the age given.')
    .argument('<dir>', 'the folder of segments')
    .addOption(new RequiredOption('--older-than <age>', 'such as 30d, 12h').argParser(age))
    .addOption(jsonOption())
    .action(runPrune);
  helpEnd(verb, ['tributary log prune /var/lib/shop/events --older-than 30d']);
}

async function runPrune(folder: string, { olderThan, json }: { olderThan: number; json?: boolean }): Promise<void> {
  const before = Date.now() - olderThan;
  const { segments, bytes } = await pruneSegments(folder, before);
  if (json) printJson({ event: 'result', folder, before, segments, bytes });
  else
    print(
      `${count(segments)} segments (${count(bytes)} bytes) with events before ${time(before)} were deleted from ${folder}`,
    );
}
