import type { Command } from 'commander';
import { EXIT } from '../../../base/errors/entry.ts';
import type { ServingConfig } from '../../../config/serving.ts';
import { tableOf, textTable } from '../../../report/table.ts';
import type { RunningService } from '../../../serve/processes/service.ts';
import { MODEL_NAME } from '../../../store/artifact/paths.ts';
import { helpEnd } from '../../help.ts';
import { backendOption, defined, deviceOption, jsonOption, port, wholeNumber } from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options {
  config?: string;
  port?: number;
  host?: string;
  workers?: number;
  backend?: 'auto' | 'node' | 'web';
  json?: boolean;
}

export function serve(program: Command): void {
  const verb = program
    .command('serve')
    .summary('answer ranking requests over HTTP')
    .description(
      'Serves artifacts: POST /v1/rank ranks candidates; /docs lists all routes. Ctrl-C or SIGTERM ' +
        'finishes open requests and exits. Options come from defaults, --config and the options below; later ones win.',
    )
    .argument(
      '<artifact...>',
      'folders that `tributary export` wrote, as DIR or NAME=DIR; requests without a model get the first',
    )
    .option('--port <n>', 'port to listen on, 0 for any free one (default: 8080)', port)
    .option('--host <name>', 'address to listen on (default: 127.0.0.1, this machine only)')
    .option('--workers <n>', 'processes that answer (default: 1)', wholeNumber(1))
    .option(
      '--config <file>',
      'a serving configuration (YAML, JSON, TypeScript): keys, limits, scores; see docs/serving.md',
    )
    .addOption(backendOption())
    .addOption(deviceOption())
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    [
      'tributary serve artifacts/shop',
      'tributary serve artifacts/shop trial=artifacts/shop-new --config serving.yaml --port 9000 --workers 4',
      'tributary serve artifacts/shop --host 0.0.0.0 --json',
    ],
    ['artifact'],
  );
}

/** Loads everything that serving needs, so that other verbs do not wait for it. */
async function run(given: string[], { config: file, backend, json, ...flags }: Options): Promise<void> {
  const { loadServing } = await import('../../../config/load-serving.ts');
  const { startService } = await import('../../../serve/processes/service.ts');
  const { onStopSignal } = await import('../../process/stop.ts');
  const { logIsWritten, logMessage } = await import('../../../serve/http/log.ts');
  // The parent may close the pipes, and disks fill up: neither must end the service.
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error').on('error', () => {});
  // From here on: a signal during loading ends the service once it has started.
  const stopped = new Promise<void>((done) => onStopSignal(done));
  const config = await loadServing(file, defined(flags));
  const service = await startService({
    artifacts: given.map(artifactOf),
    config,
    backend,
    onEvent: ({ message }) => logMessage('warn', message),
  });
  tellStart(service, config, json);
  await stopped;
  if (!json) print('stopping: open requests are answered first');
  await service.close();
  await logIsWritten(1000);
  // Only readers of what was printed are left, and they may have stopped reading.
  process.exit(EXIT.ok);
}

/** `NAME=DIR` or `DIR`. */
function artifactOf(text: string): { name?: string; path: string } {
  const end = text.indexOf('=');
  const name = text.slice(0, Math.max(end, 0));
  return MODEL_NAME.test(name) && end < text.length - 1 ? { name, path: text.slice(end + 1) } : { path: text };
}

function tellStart(service: RunningService, config: ServingConfig, json?: boolean): void {
  const address = `http://${service.host.includes(':') ? `[${service.host}]` : service.host}:${service.port}`;
  const { workers, keys, adminKeys } = config;
  const models = service.models();
  if (json) {
    printJson({
      event: 'listening',
      address,
      port: service.port,
      workers,
      models,
      keys: keys.length,
      adminKeys: adminKeys.length,
    });
    return;
  }
  const table = tableOf(models, [
    { title: 'model', text: ({ name }) => name },
    { title: 'artifact', text: ({ current }) => current.id },
    { title: 'folder', text: ({ current }) => current.path },
  ]);
  print(textTable(table).join('\n'));
  print('');
  print(`Answers at ${address}/v1/rank (${workers} process${workers === 1 ? '' : 'es'}); all routes: ${address}/docs`);
  print(
    keys.length === 0
      ? 'No keys are configured: anyone who reaches this address may rank.'
      : `Keys: ${keys.map(({ name }) => name).join(', ')}.`,
  );
  if (adminKeys.length === 0) print('No admin keys are configured: models cannot be changed while serving.');
}
