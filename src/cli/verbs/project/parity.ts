import type { Command } from 'commander';
import { formatRow, formatSummary, type ParityRow, runParity } from '../../../parity/index.ts';
import { helpEnd } from '../../help.ts';
import { deviceOfBackendOption, jsonOption } from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options {
  only?: string;
  backend?: string;
  json?: boolean;
}

/** A fixture disagrees. */
const DISAGREES = 1;

export function parity(program: Command): void {
  const verb = program
    .command('parity')
    .summary('compare what this program computes with reference fixtures')
    .description(
      'Runs every fixture of a folder (NAME.json with NAME.safetensors or raw files in NAME/) or, if it has none, of its ' +
        'subfolders: models, optimiser steps, ' +
        'whole trainings, preparation, metrics. Prints one row each: its worst error in units of its tolerance, and where. ' +
        `Ends with code ${DISAGREES} if one disagrees or is not understood.`,
    )
    .argument('<folder>', 'the folder of fixtures')
    .option('--only <glob>', 'only fixtures named like this: `*` any text, `?` one character, `{a,b}` either')
    .addOption(deviceOfBackendOption())
    .addOption(jsonOption())
    .action(run);
  helpEnd(verb, ['tributary parity test/fixtures', "tributary parity test/fixtures --only 'models/autoifs/*'"]);
}

async function run(folder: string, { only, backend, json }: Options): Promise<void> {
  // Kinds of fixtures open sessions in many places, all with the default.
  if (backend !== undefined) process.env.TRIBUTARY_BACKEND = backend;
  const onRow = (row: ParityRow): void => (json ? printJson({ event: 'fixture', ...row }) : print(formatRow(row)));
  const { rows, ok } = await runParity(folder, { only, onRow });
  if (json) printJson({ event: 'result', ok, fixtures: rows.length });
  else print(`\n${formatSummary(rows)}`);
  if (!ok) process.exitCode = DISAGREES;
}
