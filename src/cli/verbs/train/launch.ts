import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { EXIT } from '../../../base/errors/entry.ts';
import { error } from '../../../base/errors/index.ts';
import { type LaunchPlan, planLaunch } from '../../../comm/launcher.ts';
import { helpEnd } from '../../help.ts';
import { RequiredOption, wholeNumber } from '../../options.ts';
import { launchEnv, readNotes } from '../../process/notes.ts';
import { checkOverRanks } from '../../process/ranks.ts';
import { onStopSignals } from '../../process/stop.ts';

interface Options {
  ranks: number;
  mpirun: string;
}

export function launch(program: Command): void {
  const verb = program
    .command('launch')
    .summary('run a verb over several processes of this machine, by MPI')
    .description(
      'Starts ranks by mpirun (Open MPI or MPICH) with the options that fit one machine. Each batch is shared among them; compare deals its trainings to them. ' +
        'Ctrl-C stops all after the same step, with a checkpoint. On a cluster, start `tributary` by its own launcher (docs/scale.md).',
    )
    .argument('<command...>', 'after --: the verb and its options')
    .addOption(new RequiredOption('--ranks <n>', 'how many processes').argParser(wholeNumber(1)))
    .option('--mpirun <command>', 'the launcher: a name on the PATH, or a path', 'mpirun')
    .action(run);
  helpEnd(
    verb,
    [
      'tributary launch --ranks 2 -- train --data data/shop --model autoifs',
      'tributary launch --ranks 2 -- resume runs/autoifs-shop-1',
      'tributary launch --ranks 2 -- evaluate runs/autoifs-shop-1',
      'tributary launch --ranks 2 -- bench comm',
    ],
    ['data', 'artifact', 'training', 'interrupted'],
  );
}

async function run(words: string[], { ranks, mpirun }: Options): Promise<void> {
  const isVerb = (count: number): string => words.slice(0, count).join(' ');
  checkOverRanks(words[0] === 'bench' ? isVerb(2) : isVerb(1), ranks);
  const plan = planLaunch(ranks, [process.execPath, process.argv[1], ...words], mpirun);
  const folder = mkdtempSync(join(tmpdir(), 'tributary-launch-'));
  try {
    const { code, isStopped } = await follow(plan, folder);
    process.exitCode = isStopped && code !== EXIT.ok ? EXIT.interrupted : exitCode(code, plan, ranks, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** How long mpirun may take to end the other ranks of one that failed, in ms. MPICH's does not end those that are still joining. */
const PATIENCE = 3000;

/** Runs mpirun to its end. It has a process group of its own: Ctrl-C reaches ranks through this process alone. */
function follow(
  { command, args, env: more }: LaunchPlan,
  folder: string,
): Promise<{ code: number; isStopped: boolean }> {
  const env = { ...launchEnv(folder), ...more };
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    let isStopped = false;
    const forget = onStopSignals(() => {
      // At a signal of its own, mpirun kills the ranks within a second: too early for their checkpoint.
      const { processes } = readNotes(folder);
      if (isStopped || processes.length === 0) child.kill('SIGTERM');
      else processes.forEach(interrupt);
      isStopped = true;
    }, 'SIGHUP'); // the terminal is gone, and would leave mpirun behind
    const watch = setInterval(() => {
      if (readNotes(folder).failure === undefined) return;
      clearInterval(watch);
      setTimeout(() => child.kill('SIGTERM'), PATIENCE).unref();
    }, 500);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearInterval(watch);
      forget();
      const found = code ?? 128 + constants.signals[signal!];
      resolve({ code: readNotes(folder).failure || found, isStopped });
    });
  });
}

function interrupt(id: number): void {
  try {
    process.kill(id, 'SIGINT');
  } catch {} // it has ended
}

/** The code of the verb; any other is that of a rank which did not end by itself. */
function exitCode(code: number, { command, kind }: LaunchPlan, ranks: number, folder: string): number {
  const { ends, run } = readNotes(folder);
  if (code === EXIT.ok || code === EXIT.interrupted || ends.includes(code)) return code;
  if (code === EXIT.internal) throw error('LAUNCHER_FAILED', { mpirun: command, kind, code });
  throw error('RANK_LOST', { kind, code, ranks, run }); // MPICH gives the number of a signal, which may be one of these codes
}
