import type { Command } from 'commander';
import { EXIT } from '../../../base/errors/entry.ts';
import { loadTuneConfig } from '../../../config/load-tune.ts';
import { models } from '../../../model/registry.ts';
import { tuningText } from '../../../report/tuning.ts';
import { startTuning } from '../../../study/tune/tune.ts';
import { helpEnd } from '../../help.ts';
import { collect, jsonOption, wholeNumber } from '../../options.ts';
import { print, printJson } from '../../output.ts';
import { tuneDisplay } from '../../print/tuning.ts';
import { onStopSignal } from '../../process/stop.ts';

interface Options {
  out?: string;
  workers?: number;
  set?: string[];
  json?: boolean;
}

export function tune(program: Command): void {
  const verb = program
    .command('tune')
    .summary('search for good options of a model')
    .description(
      'Trains a model again and again with other options, compares by validation rows alone, and writes the best run ' +
        'configuration. The same command resumes a search that was stopped or killed.',
    )
    .argument('<config>', 'a tuning configuration (YAML, JSON, TypeScript)')
    .option('--out <dir>', 'folder of the search (default: tuning/<name of the configuration>)')
    .option('--workers <n>', 'trials in parallel (default: as many as cores and memory allow)', wholeNumber(1))
    .option('--set <path=value>', 'change the configuration; may be repeated', collect)
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    [
      'tributary tune tune.yaml',
      'tributary tune tune.yaml --set method.trials=50 --out tuning/long --workers 2 --json',
    ],
    ['data', 'artifact', 'training', 'interrupted'],
  );
}

async function run(file: string, { out = defaultFolder(file), workers, set, json = false }: Options): Promise<void> {
  const config = await loadTuneConfig(file, { models, set });
  const display = tuneDisplay(config, json);
  const tuning = startTuning({ config, out, workers, onEvent: display.event });
  const forget = onStopSignal(() => {
    tuning.stop();
    display.note('Stopping, with checkpoints of the running trials. Press Ctrl-C again to quit immediately.');
  });
  try {
    const result = await tuning.finished;
    if (result === undefined) {
      process.exitCode = EXIT.interrupted;
      if (json) printJson({ event: 'interrupted', out });
      display.note('Stopped. The same command resumes it.');
    } else if (json) printJson(result);
    else {
      display.close();
      const next = `tributary train --data ${config.data} --config ${result.config}`;
      print(tuningText(result, out, next));
    }
  } finally {
    forget();
    display.close();
  }
}

/** tune.yaml -> tuning/tune */
const defaultFolder = (file: string): string => `tuning/${file.replace(/^.*[\\/]/, '').replace(/\.\w+$/, '')}`;
