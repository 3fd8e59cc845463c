/**
 * The loop: from what a service answered to its next model. A round joins the log, trains on all days but the newest closed one, judges
 * the new model on that day against the one that serves, and loads it if all gates hold. Its record is written after each stage: killed
 * anywhere, the next call goes on from there, and ends in the same state.
 */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadDatasetConfig } from '../config/load.ts';
import { joinSource, loadJoinConfig } from '../config/load-join.ts';
import type { Round } from '../documents/loop/round.ts';
import { lockFolder } from '../store/lock.ts';
import { closedDay } from './closed-day.ts';
import type { LoopContext } from './context.ts';
import { judge } from './gates/judge.ts';
import { lastImpressions } from './gates/requests.ts';
import { join } from './join/join.ts';
import { loopPaths, readRounds, removeOld, roundPaths, type Served, servingModel, writeRound } from './rounds.ts';
import { loadInto } from './service.ts';
import { endOfDay, exportRound, firstDay, prepareRound, trainRound } from './stages.ts';

/** What a call did. `nothing`: no day has closed since the last round. `stopped`: by the signal; the next call goes on. */
export type LoopEnd =
  | { kind: 'decided'; round: Round }
  | { kind: 'nothing'; day: string | null }
  | { kind: 'stopped'; round: Round };

/**
 * One round, or the rest of one that was stopped or killed.
 *
 * @throws RUN_LOCKED where another process works on this loop; LOOP_SERVICE; errors of join, prepare, newRun and selectRun
 */
export async function runRound(context: LoopContext): Promise<LoopEnd> {
  const { folder, keep } = context.config;
  mkdirSync(loopPaths(folder).rounds, { recursive: true });
  const unlock = lockFolder(folder);
  try {
    const last = readRounds(folder).at(-1);
    if (context.abandon && last !== undefined && last.decision === undefined)
      return { kind: 'decided', round: writeRound(folder, { ...last, ...decided('abandoned', 'by the user') }) };
    const round = last === undefined || last.decision !== undefined ? await beginRound(context) : last;
    if ('kind' in round) return round;
    const end = await finishRound(context, round);
    const rounds = readRounds(folder);
    removeOld(folder, rounds, keep, servingModel(rounds, await firstModel(context)));
    return end;
  } finally {
    unlock();
  }
}

/** Joins what is new, and begins a round if a day has closed. */
async function beginRound(context: LoopContext): Promise<Round | Extract<LoopEnd, { kind: 'nothing' }>> {
  const { config, onEvent } = context;
  const now = context.now ?? Date.now();
  const { rows } = loopPaths(config.folder);
  onEvent({ event: 'step', step: 'joining the log' });
  const { dataset } = await join({
    log: config.log,
    config: await loadJoinConfig(config.join),
    source: joinSource(config.join),
    out: rows,
    now,
  });
  const rounds = readRounds(config.folder);
  const day = await closedDay(rows, await loadDatasetConfig(dataset), {
    now,
    from: (date) => firstDay(date, config.train),
  });
  const isNew = day !== undefined && day.date > (rounds.at(-1)?.day ?? '');
  if (!isNew) return { kind: 'nothing', day: day?.date ?? null };
  return writeRound(config.folder, {
    schema: 'loop-round/1',
    round: rounds.length + 1,
    day: day.date,
    from: firstDay(day.date, config.train),
    serving: servingModel(rounds, await firstModel(context)),
    joined: day.joined,
  });
}

/** The model that serves when the loop begins. */
async function firstModel({ config: { run, join: file } }: LoopContext): Promise<Served> {
  return { run, artifact: resolve((await loadJoinConfig(file)).artifact) };
}

/** The stages that are left, each followed by its record. */
async function finishRound(context: LoopContext, begun: Round): Promise<LoopEnd> {
  const { config, onEvent } = context;
  const { load } = config;
  let round = begun;
  const record = (found: Partial<Round>): void => {
    round = writeRound(config.folder, { ...round, ...found });
    onEvent({ event: 'round', round });
  };
  const { artifact, data, run } = roundPaths(config.folder, round.round);
  if (round.prepared === undefined) record(await prepareRound(context, round));
  if (round.trained === undefined) {
    const trained = await trainRound(context, round);
    if (trained === undefined) return { kind: 'stopped', round };
    record(trained);
  }
  if (round.exported === undefined) record(await exportRound(context, round));
  if (round.judged === undefined) {
    onEvent({ event: 'step', step: 'judging' });
    const from = readRounds(config.folder).findLast(({ cursor }) => cursor !== undefined)?.cursor;
    const { requests: most } = config.gates;
    const { impressions, cursor } = await lastImpressions(config.log, { from, end: endOfDay(round.day), most });
    const judged = await judge({ serving: round.serving, run, data, artifact, impressions }, config.gates);
    record({ judged, ...(cursor !== undefined && { cursor }) });
  }
  const failed = round.judged?.gates.filter(({ passed }) => !passed) ?? [];
  if (failed.length > 0)
    record(decided('refused', failed.map(({ gate, sentence }) => `${gate}: ${sentence}`).join('; ')));
  else if (load === undefined) record(decided('ready', `all gates hold; ${artifact} is ready to be served`));
  else {
    onEvent({ event: 'step', step: `loading into ${load.url}` });
    const answer = await loadInto(load, artifact);
    record(
      'refused' in answer
        ? decided('refused', `service: ${answer.refused}`)
        : decided('loaded', ['all gates hold', ...answer.warnings].join('; ')),
    );
  }
  return { kind: 'decided', round };
}

const decided = (kind: NonNullable<Round['decision']>['kind'], sentence: string): Pick<Round, 'decision'> => ({
  decision: { kind, sentence, at: new Date().toISOString() },
});
