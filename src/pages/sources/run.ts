/** The page of a run folder, finished or not. */
import { VERSION } from '../../base/version.ts';
import type { PartSeconds } from '../../documents/parts.ts';
import type { MetricsLine } from '../../documents/run-log.ts';
import { choiceSentences } from '../../report/choice.ts';
import { importanceFinding } from '../../report/diagnose/importance.ts';
import { flowSentences, structureText } from '../../report/flows.ts';
import { count, duration, metricText, timeText } from '../../report/numbers.ts';
import { cellsVerdict, verdict as yardstickVerdict } from '../../report/yardsticks.ts';
import {
  openRun,
  readChoice,
  readFlows,
  readImportance,
  readMetrics,
  readResult,
  readTimings,
} from '../../store/run/run-folder.ts';
import type { EpochPoint, RunPage } from '../page.ts';

/** @throws RUN_NOT_FOUND, RUN_CHOOSING, RUN_DAMAGED, CHECKSUM_MISMATCH */
export function runPage(folder: string): RunPage {
  const record = openRun(folder);
  const lines = readMetrics(folder);
  const result = readResult(folder) ?? resultOf(lines, folder);
  const epochs = lines.flatMap(epochPoint);
  const last = lines.findLast((line) => line.kind === 'epoch');
  const cells = (result?.test ?? last?.validation)?.cells ?? [];
  const importance = readImportance(folder);
  const title = result?.model?.title ?? record.model;
  return {
    kind: 'run',
    title: `${title} on ${record.data.name}`,
    facts: [record.id, `started ${timeText(record.created)}`, ...sizes(result)],
    findings: findings(result),
    sentences: {
      ...sentences(result, epochs, cells, gateNamesOf(lines)),
      ...(importance && { 'importance-fields': importanceFinding(importance) }),
    },
    notes: notes(result),
    version: VERSION,
    ...(result && { result: { ...result, config: undefined } }),
    flowSentences: result?.verdict === undefined ? [] : sentencesOf(result.verdict),
    choiceSentences: result?.choice === undefined ? [] : choiceSentences(result.choice),
    cells: cells.map(({ scenario, task }) => ({ scenario, task })),
    gateNames: gateNamesOf(lines),
    epochs,
    timings: readTimings(folder).flatMap((line) => ('phase' in line ? [line] : [])),
    ...(importance && { importance }),
    config: JSON.stringify(record.config, null, 2),
  };
}

type Result = RunPage['result'];

export const sentencesOf = (verdict: NonNullable<NonNullable<Result>['verdict']>): string[] => [
  ...(verdict.structure === undefined ? [] : [structureText(verdict.structure)]),
  ...flowSentences(verdict),
];

function findings(result: Result): string[] {
  if (result === undefined) return [];
  const { macro } = result.test;
  return [
    `Mean AUC ${metricText(macro.auc)}, log loss ${metricText(macro.logloss)} on the test rows.`,
    ...(result.yardsticks === undefined ? [] : [yardstickVerdict(result.yardsticks)]),
  ];
}

/** What the sections found. */
function sentences(
  result: Result,
  epochs: readonly EpochPoint[],
  cellNames: RunPage['cells'],
  gateNames: readonly string[],
): Record<string, string> {
  const curves = curvesSentence(epochs, cellNames);
  const gates = gatesSentence(epochs, cellNames, gateNames);
  const best = epochs.findLast((epoch) => epoch.best);
  const cells = result?.yardsticks && cellsVerdict(result.yardsticks);
  const error = result?.test.macro.calibrationError ?? null;
  return {
    ...(cells && { cells }),
    ...(curves && { curves }),
    ...(gates && { 'gates-by-epoch': gates }),
    ...(error !== null && {
      reliability: `Probabilities before calibration are off by ${metricText(error)} on average over the cells (expected calibration error).`,
    }),
    ...(result?.parts && { time: timeSentence(result.parts, result.seconds) }),
    ...(best && {
      training: `${epochs.length} epochs; the last best one is epoch ${best.epoch} of the phase ${best.phase}: ${metricText(best.monitor)} on validation rows.`,
    }),
  };
}

function sizes(result: Result): string[] {
  if (result?.data === undefined || result.parameters === undefined) return [];
  const { train, validation, test } = result.data.rows;
  return [
    `rows: ${count(train)} train, ${count(validation)} validation, ${count(test)} test`,
    `${count(result.parameters.dense)} dense parameters`,
    ...(result.seconds === undefined ? [] : [duration(result.seconds)]),
  ];
}

function notes(result: Result): string[] {
  if (result === undefined) return ['The training has not ended: nothing is measured on test rows yet.'];
  const { data, size = [], yardsticks, reliability } = result;
  return [
    ...size.map(({ message }) => message),
    ...(data?.notes ?? []),
    ...(yardsticks === undefined ? ['Yardsticks: none were fitted for this run, so its cells have no intervals.'] : []),
    ...(reliability === undefined ? ['Reliability: this run was made by a version that did not keep it.'] : []),
  ];
}

/** Of a run of an older version: what its log has. */
function resultOf(lines: readonly MetricsLine[], folder: string): Result {
  const end = lines.findLast((line) => line.kind === 'result');
  if (end === undefined) return undefined;
  const [verdict, choice] = [readFlows(folder), readChoice(folder)];
  return { test: end.test, epochs: end.epochs, ...(verdict && { verdict }), ...(choice && { choice }) };
}

const gateNamesOf = (lines: readonly MetricsLine[]): string[] =>
  lines.flatMap((line) => (line.kind === 'epoch' && line.gates ? [line.gates.names] : [])).at(-1) ?? [];

function epochPoint(line: MetricsLine): EpochPoint[] {
  if (line.kind !== 'epoch') return [];
  const { phase, epoch, losses, taskWeights, monitor, best, validation, temperature, gates } = line;
  const { macro, cells } = validation;
  return [
    {
      phase,
      epoch,
      losses,
      taskWeights,
      monitor,
      best,
      validation: { auc: macro.auc, logloss: macro.logloss },
      auc: cells.map(({ auc }) => auc),
      ...(temperature !== undefined && { temperature }),
      ...(gates && { gates: gates.open }),
    },
  ];
}

function timeSentence(parts: PartSeconds, clock?: number): string {
  const [[name, seconds]] = Object.entries(parts).toSorted(([, a], [, b]) => b - a);
  const all = Object.values(parts).reduce((sum, own) => sum + own, 0);
  return `${duration(all)} of processor time${clock === undefined ? '' : ` in ${duration(clock)}`}, most of it for the ${name} (${share(seconds / all)}).`;
}

/** Where gates moved most. */
function gatesSentence(
  epochs: readonly EpochPoint[],
  cells: RunPage['cells'],
  names: readonly string[],
): string | undefined {
  const known = epochs.flatMap(({ epoch, gates }) => (gates === undefined ? [] : [{ epoch, gates }]));
  const [first, last] = [known[0], known[known.length - 1]];
  if (known.length < 2) return undefined;
  const moves = cells.flatMap(({ scenario, task }, c) =>
    names.flatMap((name, n) => {
      const [from, to] = [first.gates[c][n], last.gates[c][n]];
      return from === null || to === null ? [] : [{ scenario, task, name, from, to }];
    }),
  );
  const [most] = moves.toSorted((a, b) => Math.abs(b.to - b.from) - Math.abs(a.to - a.from));
  if (most === undefined) return undefined;
  const { scenario, task, name, from, to } = most;
  return `From epoch ${first.epoch} to epoch ${last.epoch} the gates of ${scenario}, ${task} moved most: ${name} from ${share(from)} to ${share(to)}.`;
}

const share = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** What one best epoch for all cells costs each of them. */
function curvesSentence(epochs: readonly EpochPoint[], cells: RunPage['cells']): string | undefined {
  const best = epochs.findLast((epoch) => epoch.best);
  const ofPhase = epochs.filter(({ phase }) => phase === best?.phase);
  if (best === undefined || ofPhase.length < 2) return undefined;
  const lost = cells.flatMap(({ scenario, task }, c) => {
    const own = ofPhase.filter(({ auc }) => auc[c] !== null).toSorted((a, b) => Number(b.auc[c]) - Number(a.auc[c]))[0];
    const [most, then] = [own?.auc[c] ?? null, best.auc[c]];
    return most === null || then === null ? [] : [{ scenario, task, loss: most - then, epoch: own.epoch }];
  });
  const [worst] = lost.toSorted((a, b) => b.loss - a.loss);
  if (worst === undefined) return undefined;
  const atBest = lost.filter(({ loss }) => loss === 0).length;
  const start = `At epoch ${best.epoch} of the phase ${best.phase}, the best for all, ${atBest} of ${lost.length} cells have their highest AUC`;
  return worst.loss === 0
    ? `${start}.`
    : `${start}; ${worst.scenario}, ${worst.task} is farthest below its own best (epoch ${worst.epoch}), by ${metricText(worst.loss)}.`;
}
