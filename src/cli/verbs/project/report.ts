import type { Command } from 'commander';
import { writeFileAtomic } from '../../../base/files.ts';
import { pageHtml } from '../../../pages/html.ts';
import { openPage } from '../../../pages/sources/open.ts';
import { count } from '../../../report/numbers.ts';
import { helpEnd } from '../../help.ts';
import { jsonOption, RequiredOption } from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options {
  out: string;
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
      'the folder of a run, comparison, search, artifact or loop; or a file of what a verb printed with --json',
    )
    .addOption(new RequiredOption('--out <file>', 'the HTML file'))
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    [
      'tributary report runs/streams-shop-1 --out shop.html',
      'tributary report comparisons/zoo --out zoo.html',
      'tributary report replay.json --out replay.html',
    ],
    ['data', 'artifact'],
  );
}

function run(path: string, { out, json }: Options): void {
  const page = openPage(path);
  const html = pageHtml(page);
  writeFileAtomic(out, html);
  const bytes = Buffer.byteLength(html);
  if (json) printJson({ event: 'result', kind: page.kind, title: page.title, out, bytes });
  else print(`wrote ${out} (${count(bytes)} bytes): open it in a browser`);
}
