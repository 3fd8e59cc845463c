import { setTimeout as pause } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { EXIT } from '../../../base/errors/entry.ts';
import { loadLoopConfig } from '../../../config/load-loop.ts';
import type { LoopEvent } from '../../../loop/context.ts';
import { type LoopEnd, runRound } from '../../../loop/loop.ts';
import { readRounds } from '../../../loop/rounds.ts';
import { roundsText, roundText } from '../../../report/loop/round.ts';
import { helpEnd } from '../../help.ts';
import { duration, instant, jsonOption } from '../../options.ts';
import { print, printJson } from '../../output.ts';
import { onStopSignal } from '../../process/stop.ts';

interface Options {
  every?: number;
  now?: number;
  status?: boolean;
  abandon?: boolean;
  json?: boolean;
}

export function loop(program: Command): void {
  const verb = program
    .command('loop')
    .summary('train the next model from what a service logged, and load it if it is not worse')
    .description(
      'Joins the log, trains on all days but the newest closed one, judges the new model on that day against the one that ' +
        'serves, and loads it into the service if all gates hold. Killed at any moment, the next call goes on from the last stage.',
    )
    .argument('<config>', 'the loop (YAML, JSON, TypeScript)')
    .addOption(new Option('--once', 'one round, or the rest of one (default)'))
    .addOption(
      new Option('--every <time>', 'a round whenever this time has passed, until it is stopped: 24h, 30m')
        .argParser(duration)
        .conflicts('once'),
    )
    .option(
      '--now <time>',
      'the time that decides which labels are known, as 2026-11-30T12:00Z (default: now)',
      instant,
    )
    .option('--status', 'only show the rounds')
    .option('--abandon', 'give up the round that is not decided, so that the next call begins a new one')
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    ['tributary loop loop.yaml', 'tributary loop loop.yaml --every 24h', 'tributary loop loop.yaml --status'],
    ['data', 'artifact', 'training', 'interrupted'],
  );
}

async function run(file: string, { every, now, status, abandon, json = false }: Options): Promise<void> {
  const config = await loadLoopConfig(file);
  if (status) {
    const rounds = readRounds(config.folder);
    if (json) for (const round of rounds) printJson({ event: 'round', round });
    else print(roundsText(rounds));
    return;
  }
  const stop = new AbortController();
  const forget = onStopSignal(() => stop.abort());
  try {
    for (;;) {
      const began = Date.now();
      const end = await runRound({ config, now, abandon, signal: stop.signal, onEvent: (event) => show(event, json) });
      showEnd(end, json);
      if (end.kind === 'stopped') {
        process.exitCode = EXIT.interrupted;
        return;
      }
      if (every === undefined || abandon) return;
      await pause(Math.max(0, began + every - Date.now()), undefined, { signal: stop.signal }).catch(() => {});
      if (stop.signal.aborted) return;
    }
  } finally {
    forget();
  }
}

function show(event: LoopEvent, json: boolean): void {
  if (json) printJson(event);
  else if (event.event === 'step') print(event.step);
}

function showEnd(end: LoopEnd, json: boolean): void {
  if (json) printJson({ event: 'result', ...end });
  else if (end.kind === 'decided') print(roundText(end.round));
  else if (end.kind === 'stopped') print(`round ${end.round.round} was stopped; the same command goes on`);
  else
    print(
      end.day === null
        ? 'nothing to do: no day of the log is closed yet that has rows of an earlier day to train on'
        : `nothing to do: ${end.day}, the last closed day, is decided`,
    );
}
