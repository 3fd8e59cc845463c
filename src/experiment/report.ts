/** What a log says of an experiment: checks first, then every metric of every arm, then the verdict. */

import { error } from '../base/errors/index.ts';
import { DAY_MS } from '../base/times.ts';
import { toleranceOf } from '../config/experiment/analysis.ts';
import { type Metric, typeOf } from '../config/experiment/metric.ts';
import type { ExperimentConfig } from '../config/experiments.ts';
import type { ExperimentCheck, ExperimentReport, ExperimentTreatment } from '../documents/experiment/report.ts';
import { type VerdictInput, verdictOf } from '../evaluate/experiment/index.ts';
import type { EventLog } from '../events/log.ts';
import { cellsOf } from './cells.ts';
import { checkAnswers, checkBefore, checkReturned, checkSeveralArms, checkUnits, countReturned } from './checks.ts';
import { anyTime, compare, holmLevels, type Looks, type Pair, plannedLooks } from './compare.ts';
import { type Look, linesOf, timesOfLooks } from './history.ts';
import { preferences } from './interleaving.ts';
import { createAnswers, interactionTypes, keysOf, type Period } from './log/answers.ts';
import { armCounts, eachKnownUnit, highestBuckets, timesOfUnits, type UnitCounts, unitCounts } from './log/counts.ts';
import { type ColumnsOptions, type LogColumns, openColumns } from './log/read.ts';
import { type ArmSums, latencyLimits, sumsOf } from './log/sums.ts';
import { missingUnits } from './missing.ts';
import { configuredSettings, defaultSettings, metricsOf, type Settings } from './settings.ts';
import { shadowDifferences } from './shadow.ts';

export interface ReportOptions extends ColumnsOptions {
  key: string;
  /** Default: every type of interactions is a success metric, arms have equal weights. */
  config?: ExperimentConfig;
  /** Milliseconds since 1970: later events do not count. Default: all count. */
  asOf?: number;
  /** How far the time before the experiment goes back, milliseconds. Default: two weeks. */
  before?: number;
  /** Earlier looks at the ends of days to keep at most, where one may always look: each reads the log's columns again. Default: no history. */
  history?: number;
}

const TWO_WEEKS = 14 * DAY_MS;

/** @throws EXPERIMENT_NOT_LOGGED, EXPERIMENT_WITHOUT_UNITS, EXPERIMENT_METRIC, and what openColumns throws */
export async function reportExperiment(log: EventLog, options: ReportOptions): Promise<ExperimentReport> {
  const started = performance.now();
  const columns = await openColumns(log, options);
  try {
    const document = await reportOf(columns, options);
    return { ...document, seconds: (performance.now() - started) / 1000 };
  } finally {
    columns.close();
  }
}

interface Task {
  columns: LogColumns;
  settings: Settings;
  metrics: readonly Metric[];
  types: readonly string[];
  before: number;
}

async function reportOf(columns: LogColumns, options: ReportOptions): Promise<Omit<ExperimentReport, 'seconds'>> {
  const { key, config, before = TWO_WEEKS } = options;
  const { connection, name: log } = columns;
  const asOf = options.asOf ?? (await lastTime(columns));
  const all = await interactionTypes(connection);
  const windows = config === undefined ? {} : configuredSettings(config).windows;
  const period = await createAnswers(connection, { key, asOf, before, types: all, windows });
  if (period === undefined) throw error('EXPERIMENT_NOT_LOGGED', { log, key, found: await keysOf(connection) });
  const seen = await seenIn(columns);
  if (seen.arms.length === 0) throw error('EXPERIMENT_WITHOUT_UNITS', { log, key });
  const settings =
    config === undefined
      ? defaultSettings(key, { arms: seen.arms, types: all, mode: seen.mode })
      : configuredSettings(config);
  const metrics = metricsOf(settings);
  const types = [...new Set(metrics.flatMap((metric) => typeOf(metric) ?? []))];
  const task: Task = { columns, settings, metrics, types, before };
  await createAnswers(connection, { key, asOf, before, types, windows });
  const [counts, units] = [await armCounts(connection), await unitCounts(connection, settings.arms)];
  const sums = await measure(task);
  const checks = await checksOf(task, period, units, sums, counts);
  const isSplit = settings.mode === 'split';
  const [first] = types;
  const interleaving =
    settings.mode === 'interleave' && first !== undefined
      ? await preferences(connection, { control: settings.arms[0], treatments: settings.arms.slice(1), type: first })
      : [];
  const shadow = settings.mode === 'shadow' ? await shadowDifferences(connection) : [];
  const unitsADay = arrivalRate(units);
  const judged: Judged = isSplit
    ? await judge(task, { sums, units, unitsADay, checks, asOf })
    : { treatments: [], looks: null, taken: [] };
  const earlier =
    options.history === undefined || judged.looks !== null
      ? []
      : await earlierLooks(
          task,
          { sums, units, unitsADay, checks, asOf },
          timesOfLooks(period.first, asOf, options.history),
        );
  const of = (arm: string) => counts.find((one) => one.arm === arm);
  return {
    schema: 'experiment-report/1',
    log,
    key,
    mode: settings.mode,
    asOf: new Date(asOf).toISOString(),
    period: {
      first: new Date(period.first).toISOString(),
      last: new Date(period.last).toISOString(),
      days: (period.last - period.first) / DAY_MS,
      version: period.version,
      earlier: period.earlier,
      repeated: period.repeated,
    },
    before: {
      days: units.firstBefore === null ? 0 : (period.first - units.firstBefore) / DAY_MS,
      units: units.before,
    },
    configured: config !== undefined,
    method: settings.sequential === 'always-valid' ? 'always-valid' : 'group-sequential',
    looks: judged.looks,
    arms: settings.arms.map((arm, i) => {
      const { answers = 0, items = 0, failed = 0, models = {}, latency = null } = of(arm) ?? {};
      const total = units.days.reduce((sum, day) => sum + day[i], 0);
      return {
        arm,
        weight: isSplit ? settings.weights[i] : null,
        units: total,
        answers,
        items,
        models,
        failed,
        latency,
      };
    }),
    checks,
    treatments: judged.treatments,
    ...(isSplit && options.history !== undefined && { history: [...earlier, ...judged.taken].flatMap(linesOf) }),
    interleaving,
    shadow,
    unitsADay,
  };
}

/** Time of the last event. */
async function lastTime({ connection }: LogColumns): Promise<number> {
  const rows = await connection.runAndReadAll('SELECT max(time) FROM events');
  return Number(rows.getRowsJS()[0][0]);
}

async function seenIn({ connection }: LogColumns): Promise<{ arms: string[]; mode: Settings['mode'] }> {
  const arms = (await connection.runAndReadAll('SELECT DISTINCT arm FROM units ORDER BY arm')).getRowsJS();
  const policies = (await connection.runAndReadAll('SELECT DISTINCT policy FROM answers')).getRowsJS().flat();
  const teams = await connection.runAndReadAll(
    "SELECT DISTINCT item.team FROM (SELECT unnest(items) AS item FROM answers WHERE policy = 'interleave') WHERE item.team IS NOT NULL ORDER BY 1",
  );
  const mode = policies.includes('interleave') ? 'interleave' : policies.includes('shadow') ? 'shadow' : 'split';
  const names = [...arms, ...teams.getRowsJS()].flat().map(String);
  return { arms: [...new Set(names)], mode };
}

/** Sums of the answers as the tables are now. */
async function measure({ columns, settings, metrics, types }: Task): Promise<ArmSums[]> {
  const { arms, guardrails } = settings;
  const wanted = guardrails.map(({ metric, margin }) => {
    const tolerance = toleranceOf(margin);
    return { metric, margin: tolerance };
  });
  const limits = await latencyLimits(columns.connection, arms[0], arms, wanted);
  return sumsOf(columns.connection, { metrics, types, limits });
}

async function checksOf(
  { columns, settings, metrics, before }: Task,
  period: Period,
  units: UnitCounts,
  sums: readonly ArmSums[],
  counts: Awaited<ReturnType<typeof armCounts>>,
): Promise<ExperimentCheck[]> {
  const { arms, weights, mode, config, sequential } = settings;
  const [control, ...others] = arms;
  const answers = checkAnswers(counts);
  if (mode !== 'split') return answers;
  const of = (arm: string) => sums.find((one) => one.arm === arm && one.scenario === null)?.metrics;
  const pairs = others.flatMap((arm) => {
    const [a, b] = [of(control), of(arm)];
    return a === undefined || b === undefined ? [] : [{ arm, control: a, treatment: b }];
  });
  const checks = [
    ...checkUnits({ arms, weights, days: units.days }, sequential !== 'always-valid'),
    checkSeveralArms(units),
    checkBefore(metrics, pairs),
  ];
  if (config !== undefined && units.before > 0) {
    const counter = countReturned(config, await highestBuckets(columns.connection, arms));
    await eachKnownUnit(columns.connection, { start: period.first, before }, counter.add);
    const returned = counter.result();
    if (returned !== undefined) checks.push(checkReturned(arms, returned));
  }
  return [...checks.filter((check) => check !== undefined), ...answers];
}

/** Days at most of which the mean of new units is taken. */
const RECENT = 7;

/**
 * New units a day of the last days; the day that is not over counts only if it is the first. Of a young experiment the later half of its
 * days: at first nearly everybody is new, and coverage may have been another one.
 */
function arrivalRate({ days }: UnitCounts): number {
  const full = days.length > 1 ? days.slice(0, -1) : days;
  const last = full
    .slice(-Math.min(RECENT, Math.ceil(full.length / 2)))
    .map((day) => day.reduce((sum, n) => sum + n, 0));
  return last.length === 0 ? 0 : last.reduce((sum, n) => sum + n, 0) / last.length;
}

interface Measured {
  sums: readonly ArmSums[];
  units: UnitCounts;
  unitsADay: number;
  checks: readonly ExperimentCheck[];
  asOf: number;
}

interface Judged {
  treatments: ExperimentTreatment[];
  looks: ExperimentReport['looks'];
  /** Looks that were taken, this one included. */
  taken: Look[];
}

async function judge(task: Task, measured: Measured): Promise<Judged> {
  const { sequential } = task.settings;
  const have = measured.units.days.flat().reduce((sum, n) => sum + n, 0);
  if (sequential === 'always-valid') {
    const treatments = verdicts(task, measured, anyTime);
    return { treatments, looks: null, taken: [{ at: measured.asOf, units: have, treatments }] };
  }
  const { looks, maximum } = sequential.groupSequential;
  const planned = Array.from({ length: looks }, (_, k) => Math.ceil((maximum * (k + 1)) / looks));
  const due = planned.filter((n) => n <= have);
  const { key, windows } = task.settings;
  const { connection } = task.columns;
  const times = await timesOfUnits(connection, due);
  const taken: Look[] = [];
  for (const [k, time] of times.entries()) {
    await createAnswers(connection, { key, asOf: time, before: task.before, types: task.types, windows });
    const shares = planned.slice(0, k + 1).map((n) => n / maximum);
    const isLast = k === looks - 1;
    const next = isLast ? undefined : planned[k + 1] - have;
    const treatments = verdicts(task, { ...measured, sums: await measure(task) }, plannedLooks(shares), {
      finished: isLast,
      more: next,
    });
    taken.push({ at: time, units: planned[k], treatments });
    const isDecided = treatments.every(({ decision }) => decision !== 'go on');
    if (isDecided || k === times.length - 1)
      return { treatments, looks: { planned, taken: k + 1, decided: isDecided ? k + 1 : null }, taken };
  }
  const wait = `the first look is at ${planned[0]} units, there are ${have}`;
  return {
    treatments: verdicts(task, measured, plannedLooks([1 / looks]), { wait }),
    looks: { planned, taken: 0, decided: null },
    taken,
  };
}

/** What would have been seen at these times, where one may always look. The tables are those of the last of them afterwards. */
async function earlierLooks(task: Task, measured: Measured, times: readonly number[]): Promise<Look[]> {
  const { key, windows } = task.settings;
  const { connection } = task.columns;
  const looks: Look[] = [];
  for (const at of times) {
    await createAnswers(connection, { key, asOf: at, before: task.before, types: task.types, windows });
    const sums = await measure(task);
    const units = sums.reduce(
      (sum, { scenario, metrics: [first] }) => sum + (scenario === null ? (first?.n ?? 0) : 0),
      0,
    );
    looks.push({ at, units, treatments: verdicts(task, { ...measured, sums, asOf: at }, anyTime) });
  }
  return looks;
}

interface LookState {
  finished?: boolean;
  /** Units to the next look. */
  more?: number;
  /** Why this is no look. */
  wait?: string;
}

function verdicts(
  task: Task,
  { sums, unitsADay, checks }: Measured,
  looks: Looks,
  state: LookState = {},
): ExperimentTreatment[] {
  const { settings } = task;
  const [control, ...others] = settings.arms;
  const pairOf =
    (arm: string) =>
    (metric: Metric): Pair => {
      const k = task.metrics.findIndex(({ name }) => name === metric.name);
      return { metric, control: sumsIn(sums, control, k), treatment: sumsIn(sums, arm, k) };
    };
  const tests = others.flatMap((arm) => settings.success.map(({ metric }) => pairOf(arm)(metric)));
  const levels = holmLevels(tests, looks);
  const broken = checks.filter(({ state }) => state === 'broken').map(({ sentence }) => sentence);
  return others.map((arm, i) => {
    const own = levels.slice(i * settings.success.length, (i + 1) * settings.success.length);
    const found = compare(pairOf(arm), settings, looks, own);
    const waits = state.wait === undefined ? found.waits : [state.wait, ...found.waits];
    const input: VerdictInput = {
      broken,
      success: found.success,
      guardrails: found.guardrails,
      waits,
      finished: state.finished,
      missing:
        state.more !== undefined
          ? { units: state.more, days: unitsADay > 0 ? state.more / unitsADay : null }
          : looks === anyTime && waits.length === 0
            ? missingUnits(settings, pairOf(arm), { arms: settings.arms.length, unitsADay })
            : undefined,
    };
    const { decision, sentence } = verdictOf(input);
    const metrics = state.wait === undefined ? found.metrics : found.metrics.map(hidden);
    return { arm, decision, sentence, metrics, ...cellsOf(task.metrics, sums, { control, arm, settings }) };
  });
}

/** Without what would be a look. */
const hidden = (metric: ExperimentTreatment['metrics'][number]): ExperimentTreatment['metrics'][number] => ({
  ...metric,
  difference: { ...metric.difference, low: null, high: null },
  relative: null,
  p: null,
  finding: 'open',
});

const NONE: Pair['control'] = { n: 0, sums: [0, 0, 0, 0], products: [0, 1, 2, 3].map(() => [0, 0, 0, 0]) };

const sumsIn = (sums: readonly ArmSums[], arm: string, k: number): Pair['control'] =>
  sums.find((one) => one.arm === arm && one.scenario === null)?.metrics[k] ?? NONE;
