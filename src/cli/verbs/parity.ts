import type { Command } from 'commander';
import { EXIT } from '../../base/errors/entry.ts';
import { formatRow, formatSummary, runParity } from '../../parity/index.ts';
import { helpEnd } from '../help.ts';
import { jsonOption } from '../options.ts';
import { print, printJson } from '../output.ts';

interface Options {
  only?: string;
  json?: boolean;
}

export function parity(program: Command): void {
  const verb = program
    .command('parity')
    .summary("hold the product against numbers of the models' reference implementations")
    .description(
      'Computes outputs, losses, gradients and optimiser steps of every fixture in a folder and prints its worst error in ' +
        'units of its tolerance. Ends with code 1 if one exceeds it or is not understood.',
    )
    .argument('<folder>', 'folder of fixtures')
    .option('--only <glob>', 'fixtures whose name matches, like autoifs_*')
    .addOption(jsonOption())
    .action(run);
  helpEnd(verb, ['tributary parity test/fixtures', "tributary parity test/fixtures --only 'autoifs_*'"]);
}

async function run(folder: string, { only, json }: Options): Promise<void> {
  const onRow = json
    ? (row: object) => printJson({ event: 'fixture', ...row })
    : (row: Parameters<typeof formatRow>[0]) => print(formatRow(row));
  const { rows, ok } = await runParity(folder, { only, onRow });
  if (json) printJson({ event: 'result', ok, fixtures: rows.length });
  else print(formatSummary(rows));
  if (!ok) process.exitCode = EXIT.internal;
}
