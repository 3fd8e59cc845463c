/** The loop as commands, against a running service and users whose tastes change. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import type { Round } from '../../src/documents/loop/round.ts';
import { readRounds } from '../../src/loop/rounds.ts';
import { openSimulation } from '../../src/simulate/simulate.ts';
import { interrupted } from '../cli/spawn.ts';
import { type Command, startCommand } from '../serve/command.ts';
import { temporaryFolder } from '../serve/support.ts';
import { afterDay, firstModel, KEY_VARIABLE, loopFile, shopConfig, shuffledLog } from './shop.ts';

const FIRST_DAY = '2024-01-31';
const SHOP = { requestsADay: 1500, candidates: 20, shown: 10, positionBias: 0.5 };

const runLoop = async (file: string, days: number): Promise<Round[]> => {
  const { code, err } = await interrupted(['loop', file, '--now', afterDay(FIRST_DAY, days)], () => false);
  expect([code, err]).toEqual([0, '']);
  return readRounds(join(file, '../loop'));
};

const current = async (service: Command): Promise<string> =>
  JSON.parse((await service.ask('/admin/models')).text).models[0].current.id;

const load = (service: Command) => ({ url: service.address, model: 'shop', key: `env:${KEY_VARIABLE}` });

/** Three days of a shop whose service goes on. */
async function threeDays() {
  const folder = temporaryFolder();
  const first = firstModel(folder, { rows: 12_000 });
  const log = join(folder, 'events');
  const service = await startCommand(first.artifact, 1, shopConfig(log));
  const simulation = openSimulation({ world: first.world, url: service.address, ...SHOP });
  for (let day = 1; day <= 3; day++) await simulation.next();
  return { first, log, service };
}

/** Parts of a record, each written when its stage is finished. */
const PARTS = ['prepared', 'trained', 'exported', 'judged'];

/** What a line of `loop --json` belongs to: a stage, or the record of one that is finished. */
function momentOf({ event, step = '', round = {} }: { event?: string; step?: string; round?: object }): string {
  if (event === 'round') return `record of ${['decision', ...PARTS.toReversed()].find((part) => part in round)}`;
  return event === 'training' ? 'training' : step.replace(/(?<=ing)[: ].*/, '');
}

/** Runs a loop until the n-th line of a moment, and kills it there. Gives the moments of all lines. */
async function killedAt(file: string, moment: string, n = 1): Promise<string[]> {
  const words = [resolve('bin/tributary.js'), 'loop', file, '--json', '--now', afterDay(FIRST_DAY, 3)];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((done) => child.once('close', done));
  const moments: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    moments.push(momentOf(JSON.parse(line)));
    if (moments.filter((one) => one === moment).length === n) child.kill('SIGKILL');
  }
  await ended;
  return moments;
}

const STAGES = ['joining', 'preparing', 'training', 'exporting', 'judging', 'loading'];
const RECORDS = PARTS.map((part) => `record of ${part}`);

test('killed in each of its stages and after each record, it ends in the same state', async () => {
  const { first, log, service } = await threeDays();
  const whole = loopFile(first, { name: 'whole', log, load: load(service) });
  const moments = await killedAt(whole, 'no moment');
  expect(moments).toEqual(expect.arrayContaining([...STAGES, ...RECORDS]));
  const [expected] = readRounds(join(whole, '../loop'));
  expect(expected.decision?.kind).toBe('loaded');
  const half = (moment: string): number => Math.ceil(moments.filter((one) => one === moment).length / 2);
  const isLonger = (moment: string): boolean => half(moment) > 1;
  const kills = [
    STAGES.map((stage) => [stage, 1] as const),
    [...STAGES.filter(isLonger), ...RECORDS]
      .sort((a, b) => moments.indexOf(a) - moments.indexOf(b))
      .map((moment) => [moment, half(moment)] as const),
  ];
  for (const [i, some] of kills.entries()) {
    const killed = loopFile(first, { name: `killed-${i}`, log, load: load(service) });
    for (const [moment, n] of some) expect(await killedAt(killed, moment, n)).toContain(moment);
    const [found] = await runLoop(killed, 3);
    expect(comparable(found, killed)).toEqual(comparable(expected, whole));
    expect(contents(found)).toEqual(contents(expected));
    expect(await current(service)).toBe(found.exported?.id);
  }
});

test('what a loop refuses, and a service that is away', async () => {
  const { first, log, service } = await threeDays();
  const before = await current(service);
  // A model that learned shuffled labels.
  const bad = join(first.folder, 'shuffled');
  shuffledLog(log, bad, Date.parse(`${FIRST_DAY}T00:00:00Z`) + 2 * 86_400_000);
  const shuffled = loopFile(first, { name: 'bad', log: bad, load: load(service), train: { start: 'cold' } });
  const [{ decision, judged }] = await runLoop(shuffled, 3);
  expect(decision).toMatchObject({ kind: 'refused', sentence: expect.stringContaining('mean AUC') });
  expect(judged?.gates.filter(({ passed }) => !passed).map(({ gate }) => gate)).toContain('mean AUC');
  expect(await current(service)).toBe(before);

  const nobody = loopFile(first, { name: 'away', log, load: { url: 'http://127.0.0.1:9', model: 'shop' } });
  const away = await interrupted(['loop', nobody, '--now', afterDay(FIRST_DAY, 3)], () => false);
  expect([away.code, away.err]).toEqual([6, expect.stringContaining('LOOP_SERVICE')]);
  const back = loopFile(first, { name: 'away', log, load: load(service) });
  const [round] = await runLoop(back, 3);
  expect(round.decision?.kind).toBe('loaded');
  expect(await current(service)).toBe(round.exported?.id);
  expect(await runLoop(back, 3)).toEqual([round]); // no day has closed since
});

test('tastes change on day 3: by day 6 the looped service has recovered, a frozen one has not', async () => {
  const folder = temporaryFolder();
  const first = firstModel(folder, { rows: 30_000 });
  const log = join(folder, 'events');
  const service = await startCommand(first.artifact, 1, shopConfig(log));
  const file = loopFile(first, { name: 'week', log, load: load(service), train: { days: 2 } });
  const shop = { world: first.world, ...SHOP, requestsADay: 8000, drift: [3] };
  const simulation = openSimulation({ url: service.address, ...shop });
  const shown: number[] = [];
  for (let day = 1; day <= 6; day++) {
    shown.push((await simulation.next()).all.shown as number);
    if (day < 6) await runLoop(file, day);
  }
  // The same requests of day 6, without events: to the first model, and to one trained on rows of the tastes of that day.
  const truth = firstModel(folder, { name: 'truth', rows: 30_000, tastes: 1 });
  const onDay6 = async (artifact: string): Promise<number> => {
    const other = await startCommand(artifact, 1, shopConfig(join(folder, 'unused')));
    const held = openSimulation({ url: other.address, ...shop, events: false, progress: { days: 5, held: [] } });
    const day = await held.next();
    other.child.kill('SIGTERM');
    await other.ended;
    return day.all.shown as number;
  };
  const [frozen, known] = [await onDay6(first.artifact), await onDay6(truth.artifact)];
  const text = (value: number): string => `${((100 * value) / known).toFixed(1)} %`;
  console.log(
    `of the reward of a model that knows the tastes: days 1 to 6 ${shown.map(text).join(', ')}; frozen on day 6 ${text(frozen)}`,
  );
  expect(shown[5] / known).toBeGreaterThanOrEqual(0.95);
  expect(frozen / known).toBeLessThan(0.95);
});

/** Without the time of the decision, and relative to the folder of the loop. */
function comparable({ decision, ...round }: Round, file: string): object {
  const folder = join(file, '..');
  return { kind: decision?.kind, ...JSON.parse(JSON.stringify(round).replaceAll(folder, '.')) };
}

/** Checksums of the weights, and of the graphs and tables. */
function contents({ trained, exported }: Round): Record<string, string> {
  const [run, artifact] = [trained?.run as string, exported?.artifact as string];
  const files = readdirSync(artifact).filter((name) => /\.(onnx|bin)$/.test(name));
  const paths = [join(run, 'model.safetensors'), ...files.map((name) => join(artifact, name))];
  return Object.fromEntries(paths.map((path, i) => [i === 0 ? 'model' : files[i - 1], sha256(readFileSync(path))]));
}
