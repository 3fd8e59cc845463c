/** A shop from nothing: a world, a first model with its artifact, a service that logs, and the configuration of its loop. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { random } from '../../src/base/random.ts';
import type { LoopInput } from '../../src/config/loop.ts';
import { readWorld } from '../../src/data/recipes/synthetic.ts';
import type { World } from '../../src/data/synthetic/world.ts';
import type { LogEvent } from '../../src/events/event.ts';
import { isEvent, readLine } from '../../src/events/line.ts';
import { events } from '../cli/spawn.ts';
import { ADMIN_KEY, hashed } from '../serve/support.ts';

export const KEY_VARIABLE = 'LOOP_TEST_KEY';
process.env[KEY_VARIABLE] = ADMIN_KEY;

export interface FirstModel {
  /** Folder of everything. */
  folder: string;
  world: World;
  source: string;
  run: string;
  artifact: string;
}

/** The prepared rows, run and artifact of a small model of a world. */
export function firstModel(folder: string, options: { name?: string; rows: number; tastes?: number }): FirstModel {
  const { name = 'first', rows, tastes } = options;
  const [source, data, run, artifact] = ['world', 'data', 'run', 'artifact'].map((part) =>
    join(folder, `${name}-${part}`),
  );
  const world = ['users=300', 'items=100', ...(tastes === undefined ? [] : [`tastes=${tastes}`])];
  const set = world.flatMap((option) => ['--set', option]);
  events(['prepare', 'synthetic', '--rows', String(rows), '--seed', '3', ...set, '--source', source, '--out', data]);
  const training = [
    '--set',
    'train.maxEpochs=6',
    '--set',
    'model.embeddingDim=8',
    '--threads',
    '1',
    '--yardsticks',
    'none',
  ];
  events(['train', '--data', data, '--model', 'shared-bottom', ...training, '--out', run]);
  events(['select', run, '--out', artifact, '--name', 'shop', '--score', 'click + like']);
  return { folder, world: readWorld(source), source, run, artifact };
}

/** The serving configuration of such a shop. Its log is in `log`. */
export const shopConfig = (log: string, exploration = 0.3) => ({
  adminKeys: [hashed('admin', ADMIN_KEY)],
  log: { level: 'error' as const },
  events: { folder: log, unit: 'user_id', clock: 'requests' as const, sync: 'never' as const, unshown: 0 },
  exploration: { share: exploration, temperature: 0.3 },
});

/** Writes the configuration of a loop; returns its path. */
export function loopFile(
  { folder, run, artifact }: FirstModel,
  { name, log, ...more }: Partial<LoopInput> & { name: string; log: string },
): string {
  const own = join(folder, name);
  mkdirSync(own, { recursive: true });
  writeFileSync(
    join(own, 'join.yaml'),
    stringify({ artifact, tasks: { click: { window: '30m' }, like: { window: '2h' } } }),
  );
  const input: LoopInput = { log, join: 'join.yaml', folder: 'loop', run, gates: { minPositives: 10 }, ...more };
  writeFileSync(join(own, 'loop.yaml'), stringify(input));
  return join(own, 'loop.yaml');
}

/** When the labels of a day are known. */
export const afterDay = (first: string, days: number): string =>
  new Date(Date.parse(`${first}T03:00:00Z`) + days * 86_400_000).toISOString();

const eventsOf = (text: string): LogEvent[] => text.split('\n').map(readLine).filter(isEvent);

/** A copy of a log in which what users did before `until` (milliseconds since 1970) was done to other items of the same answers. */
export function shuffledLog(log: string, to: string, until: number): void {
  mkdirSync(to, { recursive: true });
  const files = readdirSync(log).filter((name) => /\.jsonl(\.open)?$/.test(name)); // the service goes on writing
  const events = files.map((name) => eventsOf(readFileSync(join(log, name), 'utf8')));
  const shown = new Map(
    events.flat().flatMap((event) => (event.kind === 'impression' ? [[event.request_id, event.items] as const] : [])),
  );
  const generator = random('shuffled log');
  for (const [i, name] of files.entries()) {
    const lines = events[i].map((event) => {
      const items = event.kind === 'interaction' && event.time < until ? shown.get(event.request_id) : undefined;
      return items === undefined ? event : { ...event, item_id: items[generator.below(items.length)].item_id };
    });
    writeFileSync(join(to, name.replace('.open', '')), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
}
