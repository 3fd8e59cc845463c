/** The loop as commands, against a running service and users whose tastes change. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { random } from '../../src/base/random.ts';
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

test('killed at ten random moments, it ends in the same state', async () => {
  const { first, log } = await threeDays();
  const whole = loopFile(first, { name: 'whole', log });
  const began = performance.now();
  const [expected] = await runLoop(whole, 3);
  const took = performance.now() - began;
  expect(expected.decision?.kind).toBe('ready');
  const generator = random('loop kills');
  const stages: string[] = [];
  for (let n = 0; stages.length < 10; n++) {
    const killed = loopFile(first, { name: `killed-${n}`, log });
    const command = [resolve('bin/tributary.js'), 'loop', killed, '--now', afterDay(FIRST_DAY, 3)];
    const round = (): Round | undefined => readRounds(join(killed, '../loop'))[0];
    while (stages.length < 10 && round()?.decision === undefined) {
      const child = spawn(process.execPath, command, { stdio: 'ignore' });
      const ended = new Promise((done) => child.once('exit', done));
      await Promise.race([ended, new Promise((done) => setTimeout(done, (0.1 + 0.6 * generator.uniform()) * took))]);
      if (child.exitCode === null) stages.push(Object.keys(round() ?? {}).at(-1) ?? 'joining');
      child.kill('SIGKILL');
      await ended;
    }
    const [found] = await runLoop(killed, 3);
    expect(comparable(found, killed)).toEqual(comparable(expected, whole));
    expect(contents(found)).toEqual(contents(expected));
  }
  console.log(`killed 10 times, after: ${stages.join(', ')}`);
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
