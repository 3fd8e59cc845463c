import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { error } from '../../../base/errors/index.ts';
import { writeFileAtomic } from '../../../base/files.ts';
import { listSegments } from '../../../events/segments/names.ts';
import { pageHtml } from '../../../pages/html.ts';
import type { Page } from '../../../pages/page.ts';
import { driftPage } from '../../../pages/sources/documents.ts';
import { openPage } from '../../../pages/sources/open.ts';
import { count } from '../../../report/numbers.ts';
import { withLog } from '../../event-log.ts';
import { helpEnd } from '../../help.ts';
import { jsonOption, RequiredOption } from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options {
  out: string;
  artifact?: string;
  json?: boolean;
}

export function report(program: Command): void {
  const verb = program
    .command('report')
    .summary('write a page about a result: one HTML file')
    .description(
      'Writes a result as one HTML file that opens offline: findings, charts and tables, with all data inside. It contains aggregates, ' +
        'never rows, and sends no request. docs/report.md says what each page answers.',
    )
    .argument(
      '<path>',
      'the folder of a run, comparison, search, artifact, loop or ramp; a file of what a verb printed with --json; or an event log',
    )
    .addOption(new RequiredOption('--out <file>', 'the HTML file'))
    .option('--artifact <dir>', 'of an event log: the artifact whose training rows the log is compared with')
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    [
      'tributary report runs/streams-shop-1 --out shop.html',
      'tributary report comparisons/zoo --out zoo.html',
      'tributary report replay.json --out replay.html',
      'tributary report /var/lib/shop/events --artifact artifacts/shop --out drift.html',
    ],
    ['data', 'artifact'],
  );
}

async function run(path: string, { out, artifact, json }: Options): Promise<void> {
  const page = artifact === undefined ? pageOf(path) : await logPage(path, artifact);
  const html = pageHtml(page);
  writeFileAtomic(out, html);
  const bytes = Buffer.byteLength(html);
  if (json) printJson({ event: 'result', kind: page.kind, title: page.title, out, bytes });
  else print(`wrote ${out} (${count(bytes)} bytes): open it in a browser`);
}

/** Throws PAGE_LOG, and what openPage throws. */
function pageOf(path: string): Page {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isFolder && listSegments(path).length > 0) throw error('PAGE_LOG', { path });
  return openPage(path);
}

/** Is what the log has like what the artifact was trained on? */
async function logPage(place: string, artifact: string): Promise<Page> {
  const { logDrift } = await import('../../../replay/drift.ts');
  return driftPage(await withLog(place, (log) => logDrift(log, artifact)));
}
