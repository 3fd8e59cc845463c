/** Ramps: a real service changes its coverage by what a planted log says. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createWorld } from '../../src/data/synthetic/world.ts';
import { segmentLog } from '../../src/events/segments/folder.ts';
import { configuredExperiments } from '../../src/experiment/configured.ts';
import { readRamp, stepRamp } from '../../src/experiment/ramp/ramp.ts';
import { servedExperiments } from '../../src/experiment/ramp/service.ts';
import { rampText } from '../../src/report/experiment/ramp.ts';
import { openSimulation } from '../../src/simulate/simulate.ts';
import { ADMIN_KEY, artifact, serving, temporaryFolder } from '../serve/support.ts';
import { openShop } from '../simulate/shop.ts';
import { configured, type Planted, plantedEvents, START, writeLog } from './logs.ts';

const HOUR = 3_600_000;
const metrics = { success: ['click'], guardrails: [{ metric: 'error_rate', margin: 0.02 }] };
const ramp = { steps: [0.3, 0.6, 1], hold: '24h', units: 200 };
const input = { key: 'flows', unit: 'user', arms: { control: {}, treatment: { score: 'click' } }, metrics, ramp };

/** A service with the experiment, and a log in which it was at full coverage. */
async function ramping(planted: Partial<Planted> = {}) {
  const client = await serving([artifact().folder], { experiments: [input] });
  const folder = temporaryFolder();
  const config = configured(input);
  const events = plantedEvents({ units: 1000, days: 1, ...planted, config: { ...config, coverage: 1 } });
  const log = segmentLog(writeLog(join(folder, 'log'), events));
  const service = { url: client.address, key: ADMIN_KEY };
  const step = (now: number, own = 'ramp') => stepRamp(log, { service, key: 'flows', folder: join(folder, own), now });
  const coverage = async () => (await servedExperiments(service)).experiments[0].coverage;
  return { client, service, folder: join(folder, 'ramp'), step, coverage };
}

test('coverage rises step by step while gates hold, each step for its time', async () => {
  const { step, coverage, folder } = await ramping();
  const first = await step(START);
  expect(first.ramp.held?.sentence).toBe('this step lasts another 24 h');
  expect(await coverage()).toBe(0.3);
  expect((await step(START + 23 * HOUR)).ramp.records.map(({ decision }) => decision)).toEqual(['begin']);
  const second = await step(START + 25 * HOUR);
  expect(second.ramp.records.at(-1)).toMatchObject({ decision: 'raise', coverage: 0.6 });
  expect(await coverage()).toBe(0.6);
  await step(START + 50 * HOUR);
  expect(await coverage()).toBe(1);
  const last = await step(START + 80 * HOUR);
  expect(last.ramp.held?.sentence).toMatch(/^the last step is reached; treatment: go on/);
  expect(last.isOver).toBe(false);
  const text = rampText(last.ramp);
  expect(text).toContain('raise');
  expect(readRamp(folder)).toEqual(last.ramp);
});

test.each<[string, Partial<Planted>, RegExp]>([
  ['a worse arm', { click: (arm) => (arm === 'treatment' ? 0.12 : 0.2) }, /^treatment: roll back: click -0\.0/],
  [
    'an arm that loses units',
    { units: 1500, lose: { arm: 'treatment', share: 0.4 }, click: (arm) => (arm === 'treatment' ? 0.3 : 0.2) },
    /^broken: SRM/,
  ],
  [
    'an arm that fails',
    { failed: (arm, generator) => arm === 'treatment' && generator.uniform() < 0.2 },
    /^treatment: roll back: error_rate/,
  ],
])('%s is rolled back, and stays so', async (_, planted, sentence) => {
  const { step, coverage } = await ramping(planted);
  const { ramp, isOver } = await step(START);
  expect(ramp.records.at(-1)).toMatchObject({
    decision: 'roll back',
    coverage: 0,
    sentence: expect.stringMatching(sentence),
  });
  expect([isOver, await coverage()]).toEqual([true, 0]);
  expect((await step(START + 30 * HOUR)).ramp).toEqual(ramp);
});

test('a better arm ends the ramp; failing answers hold it', async () => {
  const better = await ramping({ click: (arm) => (arm === 'treatment' ? 0.3 : 0.2) });
  expect(await better.step(START)).toMatchObject({
    isOver: true,
    ramp: { records: [{}, { decision: 'ship', coverage: 0.3 }] },
  });
  const failing = await ramping({ failed: (arm, generator) => arm === 'treatment' && generator.uniform() < 0.005 });
  await failing.step(START);
  expect((await failing.step(START + 30 * HOUR)).ramp.held?.sentence).toMatch(/^the model of treatment fails/);
});

test('an arm that fails over HTTP: the control answers, users notice nothing, and the ramp rolls back', async () => {
  const world = createWorld({ seed: 5, users: 300, items: 40 });
  const broken = { ...input, unit: 'user_id', arms: { control: {}, treatment: { score: '1 / (0 * click)' } } };
  const shop = await openShop(world, { experiments: [{ ...broken, coverage: 1 }] });
  const day = await openSimulation({ world, url: shop.url, requestsADay: 800, candidates: 3, shown: 2 }).next();
  expect(day.arms?.map(({ arm }) => arm)).toEqual(['control', 'treatment']);
  const [control, treatment] = day.arms ?? [];
  expect(Math.abs((treatment.possible as number) - (control.possible as number))).toBeLessThan(0.2);
  const service = { url: shop.url, key: ADMIN_KEY };
  const options = { service, key: 'flows', folder: join(temporaryFolder(), 'ramp') };
  let step = await stepRamp(segmentLog(shop.log), options);
  for (let i = 0; i < 50 && !step.isOver; i++) {
    await new Promise((done) => setTimeout(done, 100)); // the log is written behind the answers
    step = await stepRamp(segmentLog(shop.log), options);
  }
  expect(step.ramp.records.at(-1)).toMatchObject({
    decision: 'roll back',
    coverage: 0,
    sentence: expect.stringMatching(/^treatment: roll back: error_rate \+1 \(.* is beyond the margin \+0.02/),
  });
  const [experiment] = (await servedExperiments(service)).experiments;
  expect(experiment.coverage).toBe(0);
});

test('a ramp that was killed after its decision makes the change at the next start; changes by hand are kept', async () => {
  const { step, folder, client, service } = await ramping();
  await step(START);
  await client.service.close();
  await expect(step(START + 25 * HOUR)).rejects.toMatchObject({ code: 'EXPERIMENT_SERVICE' });
  expect(readRamp(folder)?.records).toHaveLength(1);
  const again = await ramping();
  const { ramp } = await again.step(START);
  const pending = {
    at: new Date(START + 25 * HOUR).toISOString(),
    decision: 'raise' as const,
    coverage: 0.6,
    sentence: 'decided',
    units: {},
  };
  const { seal } = await import('../../src/base/seal.ts');
  writeFileSync(join(again.folder, 'ramp.json'), seal({ ...ramp, held: undefined, pending }, 1));
  const found = await again.step(START + 26 * HOUR);
  expect(found.ramp.records.map(({ decision }) => decision)).toEqual(['begin', 'raise']);
  expect([await again.coverage(), found.ramp.pending]).toEqual([0.6, undefined]);
  const { revision, experiments } = await servedExperiments(again.service);
  const byHand = { revision, experiment: { ...experiments[0], coverage: 0.8 } };
  expect((await again.client.put('/admin/experiments/flows', byHand)).status).toBe(200);
  const after = await again.step(START + 27 * HOUR);
  expect(after.ramp.records.at(-1)?.sentence).toBe('somebody changed coverage from 0.6 to 0.8: going on from there');
  await again.client.put('/admin/experiments/flows', { experiment: { ...experiments[0], coverage: 0 } });
  expect(await again.step(START + 28 * HOUR)).toMatchObject({
    isOver: true,
    ramp: { records: expect.arrayContaining([expect.objectContaining({ decision: 'stopped' })]) },
  });
  expect(service.url).toContain('http');
});

test('mistakes are said: no ramp, another ramp, a damaged record, a wrong key; a saved answer is a configuration', async () => {
  const { step, folder, service } = await ramping();
  await step(START);
  const path = join(folder, 'ramp.json');
  expect(existsSync(path)).toBe(true);
  writeFileSync(path, readFileSync(path, 'utf8').replace('0.3', '0.4'));
  await expect(step(START)).rejects.toMatchObject({
    code: 'EXPERIMENT_RAMP',
    message: expect.stringContaining('checksum'),
  });
  await expect(servedExperiments({ ...service, key: 'wrong' })).rejects.toMatchObject({ code: 'EXPERIMENT_SERVICE' });
  const saved = join(temporaryFolder(), 'saved.json');
  writeFileSync(saved, JSON.stringify(await servedExperiments(service)));
  expect((await configuredExperiments(saved)).map(({ key }) => key)).toEqual(['flows']);
});
