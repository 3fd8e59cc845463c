/** What a report reads out of a log: against a computation without a database, on logs with every kind of trouble. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { experimentReportSchema } from '../../src/documents/experiment/report.ts';
import type { LogEvent } from '../../src/events/event.ts';
import { segmentLog } from '../../src/events/segments/folder.ts';
import { configuredExperiment } from '../../src/experiment/configured.ts';
import { type ReportOptions, reportExperiment } from '../../src/experiment/report.ts';
import { experimentMarkdown, experimentText } from '../../src/report/experiment/report.ts';
import { temporaryFolder } from '../serve/support.ts';
import { type Configured, configured, DAY, type Planted, plantedEvents, reaction, START, writeLog } from './logs.ts';

async function report(events: Iterable<object>, options: Partial<ReportOptions> & { key?: string } = {}) {
  const log = segmentLog(writeLog(join(temporaryFolder(), 'log'), events));
  const document = await reportExperiment(log, { key: 'flows', ...options });
  experimentReportSchema.parse(document);
  return document;
}

const planted = (more: Partial<Planted> & { units: number; config: Configured }, options = {}) =>
  report(plantedEvents(more), { config: more.config, ...options });

/** Duplicates, answers to one id twice, units in two arms, without unit, of another version; late, early and taken-back reactions. */
function* trouble(config: Configured): Generator<object> {
  const generator = random('trouble');
  let n = 0;
  for (const event of plantedEvents({ config, units: 120, before: 2, spread: 1 })) {
    yield event;
    n++;
    if (generator.uniform() < 0.05) yield event;
    if (event.kind === 'interaction') {
      if (generator.uniform() < 0.1)
        yield { ...event, event_id: `c${n}`, kind: 'correction', value: undefined, time: event.time + DAY };
      if (generator.uniform() < 0.1) yield { ...event, event_id: `again${n}`, time: event.time + 10 };
      continue;
    }
    const { request_id, time } = event;
    const chance = generator.uniform();
    if (chance < 0.03) yield { ...event, event_id: `twice${n}`, time: time + 1000 };
    else if (chance < 0.06) yield { ...event, event_id: `no${n}`, request_id: `no${n}`, unit: null };
    else if (chance < 0.07 && event.experiments !== undefined)
      yield {
        ...event,
        event_id: `o${n}`,
        request_id: `o${n}`,
        experiments: [{ ...event.experiments[0], arm: n % 2 ? 'control' : 'treatment' }],
      };
    else if (chance < 0.1 && event.experiments !== undefined)
      yield {
        ...event,
        event_id: `v${n}`,
        request_id: `v${n}`,
        experiments: [{ ...event.experiments[0], bucket_version: 0 }],
      };
    else if (chance < 0.2) yield { ...reaction(request_id, 'b', 'buy', time + 3 * DAY), event_id: `late${n}` };
    else if (chance < 0.25) yield { ...reaction(request_id, 'b', 'click', time - 400_000), event_id: `early${n}` };
    else if (chance < 0.3) yield reaction(request_id, 'not shown', 'click', time + 5);
    else if (chance < 0.32) yield reaction('nobody knows', 'a', 'click', time);
  }
}

/** The same by hand: of each metric numerators and denominators by unit. */
function byHand(events: LogEvent[], config: Configured, asOf: number) {
  const windows: Record<string, number> = { buy: 2 * DAY };
  const seen = new Set<string>();
  const kept = events.filter((event) => {
    if (event.kind === 'forgotten' || event.time > asOf || seen.has(event.event_id)) return false;
    seen.add(event.event_id);
    return true;
  });
  const answers = kept.flatMap((event) => (event.kind === 'impression' ? [event] : [])).sort((a, b) => a.time - b.time);
  const first = new Map<string, (typeof answers)[number]>();
  for (const answer of answers) if (!first.has(answer.request_id)) first.set(answer.request_id, answer);
  const own = [...first.values()].filter(
    ({ unit, experiments }) => unit !== null && experiments?.[0].bucket_version === config.bucketVersion,
  );
  const start = Math.min(...own.map(({ time }) => time));
  const arms = new Map<string, Set<string>>();
  for (const { unit, experiments } of own)
    arms.set(unit as string, (arms.get(unit as string) ?? new Set()).add(experiments?.[0].arm as string));
  const single = own.filter(({ unit }) => arms.get(unit as string)?.size === 1);
  const held = ({ request_id, time }: (typeof answers)[number], item: string, type: string) =>
    kept.some(
      (event) =>
        event.kind === 'interaction' &&
        event.request_id === request_id &&
        event.item_id === item &&
        event.type === type &&
        event.time >= time - 300_000 &&
        event.time < time + (windows[type] ?? Number.POSITIVE_INFINITY) &&
        !kept.some(
          (c) =>
            c.kind === 'correction' &&
            c.request_id === request_id &&
            c.item_id === item &&
            c.type === type &&
            c.time >= event.time,
        ),
    );
  const of = (arm: string) => single.filter(({ experiments }) => experiments?.[0].arm === arm);
  const units = (arm: string) => new Set(of(arm).map(({ unit }) => unit));
  const count = (arm: string, type: string) => {
    const known = of(arm).filter(({ time }) => time + (windows[type] ?? 0) <= asOf);
    const items = known.flatMap((answer) => answer.items.map(({ item_id }) => ({ answer, item_id })));
    const hits = items.filter(({ answer, item_id }) => held(answer, item_id, type));
    return { items: items.length, hits: hits.length, units: new Set(hits.map(({ answer }) => answer.unit)).size };
  };
  return {
    start,
    several: [...arms.values()].filter(({ size }) => size > 1).length,
    all: arms.size,
    of: (arm: string) => ({
      units: units(arm).size,
      answers: of(arm).length,
      click: count(arm, 'click'),
      buy: count(arm, 'buy'),
    }),
  };
}

test('every number equals the one computed by hand, whatever is in the log', async () => {
  const config = configured({
    bucketVersion: 1,
    metrics: { success: ['click', 'units with buy', 'click per unit', 'buy'], windows: { buy: '2d' } },
  });
  const events = [...trouble(config)] as LogEvent[];
  const asOf = START + 2.5 * DAY;
  const expected = byHand(events, config, asOf);
  const shuffled = [...events].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? 1 : -1));
  for (const order of [events, shuffled]) {
    const found = await report(order, { config, asOf });
    for (const [i, arm] of ['control', 'treatment'].entries()) {
      const { units, answers, click, buy } = expected.of(arm);
      expect(found.arms[i]).toMatchObject({ arm, units, answers });
      const values = found.treatments[0].metrics.map((metric) => metric[arm as 'control' | 'treatment']);
      const wanted = [click.hits / click.items, buy.units / units, click.hits / units, buy.hits / buy.items];
      for (const [k, value] of wanted.entries()) expect(values[k]).toBeCloseTo(value, 12);
    }
    expect(Date.parse(found.period.first)).toBe(expected.start);
    const several = found.checks.find(({ check }) => check === 'units in several arms');
    expect(several?.sentence).toContain(`${expected.several} of ${expected.all} units`);
    expect(found.period.repeated).toBeGreaterThan(0);
    expect(found.period.earlier).toBeGreaterThan(0);
    expect(found.before.units).toBeGreaterThan(60);
  }
});

const guarded = configured({
  metrics: {
    success: [{ metric: 'click', margin: '10%' }],
    guardrails: [
      { metric: 'latency_p99', margin: '20%' },
      { metric: 'latency_mean', margin: '10%' },
      { metric: 'error_rate', margin: 0.01 },
    ],
  },
});
const took =
  (mean: number): NonNullable<Planted['took']> =>
  (_, generator) =>
    1 - mean * Math.log(1 - generator.uniform());

test('a better arm ships, with its figures in the sentence, as text and as Markdown', async () => {
  const found = await planted({
    config: guarded,
    units: 2500,
    click: (arm) => (arm === 'treatment' ? 0.28 : 0.2),
    took: took(5),
  });
  const [{ decision, sentence, metrics, cells, heterogeneity }] = found.treatments;
  expect(decision).toBe('ship');
  expect(sentence).toMatch(
    /^ship: click \+0\.0\d+ \(\+0\.0\d+ to \+0\.\d+\) is above 0; latency_p99 .*; latency_mean .* % .*; error_rate/,
  );
  expect(metrics.map(({ finding }) => finding)).toEqual(['better', 'within', 'within', 'within']);
  expect(cells.map(({ scenario, metric }) => `${scenario} ${metric}`)).toEqual(['home click', 'search click']);
  expect(cells.every((cell) => cell.found)).toBe(true);
  expect(heterogeneity[0].p).toBeGreaterThan(0.001);
  const text = experimentText(found);
  expect(text.split('\n')[0]).toBe(`treatment: ${sentence}`);
  expect(text).toContain('latency_p99');
  const page = experimentMarkdown(found);
  expect(page).toMatch(/^# Experiment flows\n/);
  expect(page).toContain('| metric | role | control | treatment |');
});

test('what is wrong decides first: lost units, units in several arms, arms that differed before', async () => {
  const config = guarded;
  const lost = await planted({
    config,
    units: 2000,
    days: 1,
    before: 1,
    answers: 2,
    click: () => 0.02,
    lose: { arm: 'treatment', share: 0.2 },
  });
  expect(lost.treatments[0]).toMatchObject({
    decision: 'broken',
    sentence: expect.stringMatching(/^broken: SRM: .*arms lose units/),
  });
  // 2 % of 1,500 units show in those who do not come back, long before they show in the numbers of units.
  const few = await planted({
    config,
    units: 3000,
    days: 2,
    before: 2,
    answers: 3,
    click: () => 0.02,
    lose: { arm: 'treatment', share: 0.02 },
  });
  expect(few.checks.filter(({ state }) => state === 'broken').map(({ check }) => check)).toEqual([
    'units that came back',
  ]);
  // It stays broken when it was rolled back.
  const rolledBack = await reportExperiment(segmentLog(few.log), { key: 'flows', config: { ...config, coverage: 0 } });
  expect(rolledBack.checks).toEqual(few.checks);
  const tainted = [...plantedEvents({ config, units: 500 })].flatMap((event) => {
    if (event.kind !== 'impression' || event.experiments === undefined || !event.unit?.endsWith('7')) return [event];
    const other = { ...event.experiments[0], arm: event.experiments[0].arm === 'control' ? 'treatment' : 'control' };
    return [
      event,
      { ...event, event_id: `x${event.event_id}`, request_id: `x${event.request_id}`, experiments: [other] },
    ];
  });
  const several = await report(tainted, { config });
  expect(several.treatments[0].sentence).toMatch(/were in several arms and are left out: more than 1 %/);
});

test('a guardrail that is lost rolls back, also of latency', async () => {
  const slow = await planted({
    config: guarded,
    units: 1500,
    click: (arm) => (arm === 'treatment' ? 0.25 : 0.2),
    took: (arm, generator) => took(arm === 'treatment' ? 8 : 5)(arm, generator),
  });
  expect(slow.treatments[0]).toMatchObject({
    decision: 'roll back',
    sentence: expect.stringMatching(
      /^roll back: latency_p99 .* is beyond the margin 0; latency_mean \+\d+.* % .* is beyond the margin \+10 %\.$/,
    ),
  });
  const failing = await planted({
    config: guarded,
    units: 1000,
    took: took(5),
    failed: (arm, generator) => arm === 'treatment' && generator.uniform() < 0.05,
  });
  expect(failing.treatments[0].sentence).toMatch(/^roll back: error_rate \+0\.0/);
  expect(failing.checks.find(({ check }) => check === 'failed answers')?.state).toBe('look');
});

test('few units, and equal arms, go on with what is missing; within a margin they are no different', async () => {
  const none = await planted({ config: guarded, units: 120, took: took(5) });
  expect(none.treatments[0].sentence).toMatch(/^go on: an arm has \d+ units, expected at least 100/);
  const unsure = await planted({
    config: guarded,
    units: 1500,
    took: took(5),
    click: (arm) => (arm === 'treatment' ? 0.206 : 0.2),
  });
  expect(unsure.treatments[0].sentence).toMatch(/^go on: needs about \d+ more units, \d+ days; /);
  const equal = await planted({ config: guarded, units: 6000, days: 2, took: took(5) });
  expect(equal.treatments[0].sentence).toMatch(/^no difference: click .* is within \+0\.0(?:2|19\d+) of 0\.$/);
});

test('planned looks: nothing before the first, then each by the units it had, and an end', async () => {
  const sequential = { groupSequential: { looks: 4, maximum: 2000 } };
  const config = configured({ metrics: { success: ['click'] }, sequential });
  const early = await planted({ config, units: 450, days: 1 });
  expect(early.treatments[0].sentence).toMatch(/^go on: the first look is at 500 units, there are \d+\.$/);
  expect(early.treatments[0].metrics[0].difference.low).toBeNull();
  expect(early.looks).toEqual({ planned: [500, 1000, 1500, 2000], taken: 0, decided: null });
  const second = await planted({ config, units: 2100, days: 1 });
  expect(second.looks).toMatchObject({ taken: 2, decided: null });
  expect(second.treatments[0].sentence).toMatch(/^go on: needs about \d+ more units/);
  const last = await planted({ config, units: 3500, days: 1 });
  expect(last.treatments[0]).toMatchObject({
    decision: 'no difference',
    sentence: expect.stringContaining('the planned number of units is reached'),
  });
  const better = await planted({
    config,
    units: 2000,
    days: 1,
    answers: 2,
    click: (arm) => (arm === 'treatment' ? 0.27 : 0.2),
  });
  expect(better.treatments[0].decision).toBe('ship');
  expect(better.looks?.decided).toBe(better.looks?.taken);
  expect(better.looks?.taken).toBeLessThan(3);
});

test('what cannot be reported is said: another key, no units, a key that is not configured', async () => {
  const events = [...plantedEvents({ units: 20, days: 1 })];
  await expect(report(events, { key: 'flow' })).rejects.toMatchObject({
    code: 'EXPERIMENT_NOT_LOGGED',
    message: expect.stringContaining('experiments in it: flows'),
  });
  const nobody = events.map((event) => (event.kind === 'impression' ? { ...event, unit: null } : event));
  await expect(report(nobody)).rejects.toMatchObject({ code: 'EXPERIMENT_WITHOUT_UNITS' });
  const file = join(temporaryFolder(), 'serving.json');
  writeFileSync(file, JSON.stringify({ experiments: [{ key: 'flows', unit: 'user', arms: { a: {}, b: {} } }] }));
  expect((await configuredExperiment(file, 'flows')).unit).toBe('user');
  await expect(configuredExperiment(file, 'flow')).rejects.toMatchObject({
    code: 'EXPERIMENT_NOT_CONFIGURED',
    message: expect.stringContaining('experiments in it: flows'),
  });
});

test('a history says what reports at those times would have said; planned looks are their own', async () => {
  // Sums of whole numbers do not depend on the order of rows.
  const config = configured({ metrics: { success: ['click', 'buy'] } });
  const events = [...plantedEvents({ config, units: 800, days: 6 })];
  const log = segmentLog(writeLog(join(temporaryFolder(), 'log'), events));
  const options = { key: 'flows', config };
  const document = await reportExperiment(log, { ...options, history: 2 });
  const { history = [], period } = experimentReportSchema.parse(document);
  const times = [...new Set(history.map(({ at }) => at))];
  const days = times.map((time) => Math.round((Date.parse(time) - Date.parse(period.first)) / DAY));
  expect([days.length, days[1], times.at(-1)]).toEqual([3, 5, document.asOf]);
  const then = await reportExperiment(log, { ...options, asOf: Date.parse(times[0]) });
  for (const { asOf, treatments, arms } of [then, document])
    expect(history.filter(({ at }) => at === asOf)).toEqual(
      treatments.flatMap(({ arm, metrics }) =>
        metrics.map(({ metric, difference }) => ({
          at: asOf,
          units: arms.reduce((sum, { units }) => sum + units, 0),
          arm,
          metric,
          difference,
        })),
      ),
    );
  const sequential = { groupSequential: { looks: 4, maximum: 1200 } };
  const planned = configured({ metrics: { success: ['click'] }, sequential });
  const grouped = await reportExperiment(log, { ...options, config: planned, history: 3 });
  expect(new Set(grouped.history?.map(({ units }) => units))).toEqual(
    new Set(grouped.looks?.planned.slice(0, grouped.looks.taken)),
  );
});
