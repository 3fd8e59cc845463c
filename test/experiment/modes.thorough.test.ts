/** Interleaved and shadow answers, and plans. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { parseMetric } from '../../src/config/experiment/metric.ts';
import { experimentPlanSchema } from '../../src/documents/experiment/plan.ts';
import { segmentLog } from '../../src/events/segments/folder.ts';
import { planExperiment } from '../../src/experiment/plan.ts';
import { reportExperiment } from '../../src/experiment/report.ts';
import { planText } from '../../src/report/experiment/ramp.ts';
import { experimentText } from '../../src/report/experiment/report.ts';
import { temporaryFolder } from '../serve/support.ts';
import { configured, plantedEvents, reaction, writeLog } from './logs.ts';

const logOf = (events: Iterable<object>) => segmentLog(writeLog(join(temporaryFolder(), 'log'), events));

/** Items of `treatment` are clicked more often; by hand: answers won and lost by unit. */
test('interleaving: units, wins and the share of answers, as counted by hand', async () => {
  const generator = random('interleaved');
  const byUnit = new Map<string, number[]>();
  const events: object[] = [];
  for (const event of plantedEvents({ units: 400, days: 1, answers: 3, click: () => 0 })) {
    if (event.kind !== 'impression') continue;
    const teams =
      generator.uniform() < 0.5 ? ['control', 'treatment', 'control'] : ['treatment', 'control', 'treatment'];
    const items = event.items.map((item, i) => ({ ...item, team: teams[i] }));
    const experiments = event.experiments?.map((entry) => ({ ...entry, arm: 'control' }));
    const policy = { kind: 'interleave', method: 'team-draft', seed: 's', teams: { control: 'a@1', treatment: 'b@1' } };
    events.push({ ...event, items, experiments, policy });
    const clicked = items.filter(({ team }) => generator.uniform() < (team === 'treatment' ? 0.4 : 0.2));
    events.push(...clicked.map(({ item_id }) => reaction(event.request_id, item_id, 'click', event.time + 1)));
    const credit = clicked.reduce((sum, { team }) => sum + (team === 'treatment' ? 1 : -1), 0);
    byUnit.set(event.unit as string, [...(byUnit.get(event.unit as string) ?? []), Math.sign(credit)]);
  }
  const units = [...byUnit.values()].map((wins) => wins.reduce((a, b) => a + b, 0) / (2 * wins.length));
  const document = await reportExperiment(logOf(events), { key: 'flows' });
  const [found] = document.interleaving;
  expect(found).toMatchObject({
    arm: 'treatment',
    units: units.length,
    wins: { treatment: units.filter((x) => x > 0).length, control: units.filter((x) => x < 0).length },
    sentence: expect.stringMatching(
      /^people prefer the items of treatment: .*what a launch brings only a split says\.$/,
    ),
  });
  expect(found.byUnits?.delta).toBeCloseTo(units.reduce((a, b) => a + b, 0) / units.length, 12);
  expect(document.treatments).toEqual([]);
  expect(experimentText(document)).toContain('people prefer the items of treatment');
});

test('shadow: how often the other model would have shown something else', async () => {
  const scores = [0.9, 0.5, 0.1];
  let n = 0;
  const events = [...plantedEvents({ units: 60, days: 1, click: () => 0 })].map((event) => {
    if (event.kind !== 'impression') return event;
    const swap = n++ % 4 === 0;
    const items = ['a', 'b', 'c'].map((item_id, i) => ({
      item_id,
      position: i < 1 ? 1 : null,
      score: scores[i],
      shadow_score: (swap ? [0.5, 0.9, 0.1] : scores)[i],
      probabilities: {},
    }));
    const experiments = event.experiments?.map((entry) => ({ ...entry, arm: 'control' }));
    return { ...event, items, experiments, policy: { kind: 'shadow', model: 'b@1', score_hash: '0' } };
  });
  const { shadow, mode } = await reportExperiment(logOf(events), { key: 'flows' });
  const share = Math.ceil(n / 4) / n;
  expect(mode).toBe('shadow');
  expect(shadow[0]).toMatchObject({
    scenario: null,
    model: 'b@1',
    answers: n,
    sameFirst: 1 - share,
    overlap: 1 - share,
  });
  expect(shadow[0].meanAbsolute).toBeCloseTo((share * 0.8) / 3, 9);
  expect(shadow.map(({ scenario }) => scenario)).toEqual([null, 'home', 'search']);
});

test('a plan: units by the variance of the log, days by its traffic', async () => {
  const log = logOf(plantedEvents({ units: 600, days: 3, answers: 0.5, config: configured() }));
  const metric = parseMetric('units with click');
  if (metric === undefined) throw new Error('a metric');
  const plan = await planExperiment(log, { metric, effect: { relative: 0.1 } });
  expect(experimentPlanSchema.parse(plan)).toEqual(plan);
  const { mean, units, variance, effect } = plan;
  expect(variance).toBeCloseTo((mean * (1 - mean) * units) / (units - 1), 9);
  expect(effect).toBeCloseTo(0.1 * mean, 12);
  expect(plan.fixed.unitsAnArm).toBe(Math.ceil(2 * variance * ((1.959964 + 0.841621) / effect) ** 2));
  expect(plan.alwaysValid.unitsAnArm).toBeGreaterThan(plan.fixed.unitsAnArm);
  const half = await planExperiment(log, { metric, effect: { relative: 0.1 }, coverage: 0.5 });
  expect(half.fixed.days).toBeGreaterThan(plan.fixed.days as number);
  expect(planText(plan)).toContain('one look at the end');
  const missing = parseMetric('units with bought');
  if (missing === undefined) throw new Error('a metric');
  await expect(planExperiment(log, { metric: missing, effect: { absolute: 1 } })).rejects.toMatchObject({
    code: 'EXPERIMENT_METRIC',
  });
});
