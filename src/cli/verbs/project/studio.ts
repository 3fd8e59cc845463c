import type { Command } from 'commander';
import { Option } from 'commander';
import { helpEnd } from '../../help.ts';
import { jsonOption, port } from '../../options.ts';
import { print, printJson } from '../../output.ts';
import { onStopSignal } from '../../process/stop.ts';

interface Options {
  port: number;
  host: string;
  token?: string;
  json?: boolean;
}

export function studio(program: Command): void {
  const verb = program
    .command('studio')
    .summary('look at a folder of results in the browser, live')
    .description(
      'Serves the pages of `tributary report` for all runs, comparisons, searches, artifacts and loops of a folder. Pages follow what they ' +
        'show: an epoch is on the page within a second. It only reads, and answers this machine alone; see docs/report.md.',
    )
    .argument('[folder]', 'the folder of results', '.')
    .addOption(new Option('--port <n>', 'port; 0 takes a free one').argParser(port).default(7070))
    .option('--host <address>', 'address to listen on; another than this machine needs --token', '127.0.0.1')
    .option('--token <text>', 'answer only those who know this text')
    .addOption(jsonOption())
    .action(run);
  helpEnd(verb, ['tributary studio runs', 'tributary studio runs --host 0.0.0.0 --port 8080 --token "$TOKEN"'], []);
}

async function run(folder: string, { json, ...options }: Options): Promise<void> {
  const stopped = new Promise<void>((done) => onStopSignal(done));
  const { startStudio } = await import('../../../studio/server.ts');
  await using running = await startStudio(folder, options);
  const { host, port } = running;
  const address = `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
  if (json) printJson({ event: 'listening', address, port });
  else print(`${folder} is at ${address}${options.token === undefined ? '' : '?token=...'} (Ctrl-C ends)`);
  await stopped;
}
