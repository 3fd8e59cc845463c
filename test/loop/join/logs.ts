/** Logs for joins: drawn events, their segments, the rows of a folder, and what the rows must be, computed without a database. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { random } from '../../../src/base/random.ts';
import type { JoinInput } from '../../../src/config/join.ts';
import { joinSchema } from '../../../src/config/join.ts';
import { openDuckDB, query } from '../../../src/data/sql/duckdb.ts';
import { literal } from '../../../src/data/sql/text.ts';
import type { Correction, Impression, Interaction } from '../../../src/events/event.ts';
import { type JoinOptions, join as joinLog } from '../../../src/loop/join/join.ts';
import { lineOfTurn } from '../../events/compact.ts';

export type Event = Impression | Interaction | Correction;

const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** Midnight, UTC. */
export const START = Date.parse('2026-11-01');

const SCENARIOS = ['home', 'search', 'detail "x"'];
const CITIES = ['Zürich', 'São Paulo', '', 'x', '北京'];

/** Events of some days, in order of time: answers, what users did with their items (also late, taken back, or unknown to all), corrections. */
export function drawLog(seed: number, { answers = 60, days = 3 } = {}): Event[] {
  const generator = random('log', String(seed));
  const below = (n: number): number => Math.floor(generator.uniform() * n);
  // Of their own, so that logs are otherwise as they were before there were sequences.
  const lists = random('sequences', String(seed));
  const list = () =>
    Array.from({ length: lists.below(7) }, () =>
      lists.below(6) === 0 ? null : lists.below(3) > 0 ? lists.below(60) : 'ünseen',
    );
  const chance = (p: number): boolean => generator.uniform() < p;
  const events: Event[] = [];
  const header = (kind: string, n: number | string) => ({ schema: 'event/1', event_id: `${kind} ${n}` }) as const;
  for (let n = 0; n < answers; n++) {
    const time = START + below(days * DAY);
    const request_id = chance(0.03) && n > 0 ? `request ${n - 1}` : `request ${n}`;
    const model = chance(0.05) ? 'other@38157ceaff06' : 'test-model@38157ceaff06';
    const items = Array.from({ length: 1 + below(4) }, (_, position) => ({
      item_id: String(position === 3 && chance(0.2) ? 0 : position),
      position: chance(0.15) ? null : position + 1,
      score: generator.uniform(),
      probabilities: { click: generator.uniform(), purchase: generator.uniform() },
      values: {
        item: below(60),
        ...(chance(0.7) && { tags: chance(0.5) ? ['t1', null, 't2', '', 't3', 't4'] : 't5||t6' }),
        ...(chance(0.1) && { city: null }),
      },
    }));
    events.push({
      ...header('impression', n),
      kind: 'impression',
      time,
      request_id,
      scenario: chance(0.03) ? 'elsewhere' : SCENARIOS[below(3)],
      unit: chance(0.1) ? null : `user ${below(9)}`,
      model,
      score_hash: '0123456789abcdef',
      policy: { kind: 'deterministic' },
      candidates: items.length,
      items,
      values: {
        user: `u${below(50)}`,
        age: chance(0.2) ? String(below(70)) : below(700) / 10,
        city: CITIES[below(CITIES.length)],
        ...(chance(0.8) && { hour: below(24) }),
      },
      ...(lists.below(3) === 0 && { sequences: { viewed: list(), ...(lists.below(2) === 0 && { bought: list() }) } }),
    });
    for (let i = below(4); i > 0; i--) {
      const place = { request_id: chance(0.05) ? 'nobody knows' : request_id, item_id: String(below(5)) };
      const type = ['click', 'buy', 'buy', 'share'][below(4)];
      const at = time - 10 * MINUTE + below(chance(0.5) ? 90 * MINUTE : 2 * DAY);
      const value = chance(0.5) ? { value: below(10) } : {};
      events.push({ ...header('interaction', `${n} ${i}`), kind: 'interaction', time: at, ...place, type, ...value });
      if (chance(0.4))
        events.push({
          ...header('correction', `${n} ${i}`),
          kind: 'correction',
          time: at + below(DAY) - HOUR,
          ...place,
          type,
        });
    }
  }
  return events.sort((a, b) => a.time - b.time);
}

let segments = 0;

/** Adds a finished segment. Answers are lines of all schemas by turns. */
export function addSegment(folder: string, events: readonly (Event | string)[], suffix = ''): string {
  mkdirSync(folder, { recursive: true });
  const number = String(segments++).padStart(6, '0');
  const path = join(folder, `20261101T000000000Z-000000.${number}-0-0123abcd-0.jsonl${suffix}`);
  const lines = events.map((event, i) => (typeof event === 'string' ? event : lineOfTurn(event, i)));
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return path;
}

export const CONFIG: JoinInput = {
  artifact: 'set by the test',
  tasks: { click: { window: '30m' }, purchase: { type: 'buy', window: '1d', atLeast: 2 } },
};

export const joined = (log: string, out: string, config: JoinInput, options: Partial<JoinOptions> = {}) =>
  joinLog({ log, out, config: joinSchema.parse(config), now: START + 100 * DAY, ...options });

export type Row = Record<string, unknown>;

/** The rows that the dataset configuration of a folder names, in their order, as plain values. */
export async function rowsOf(out: string): Promise<Row[]> {
  const { sources } = parse(readFileSync(join(out, 'dataset.yaml'), 'utf8'));
  const paths = (sources.rows.path as string[]).map((path) => literal(join(out, path)));
  const { connection, close } = await openDuckDB({ access: { folders: [out] } });
  try {
    const sql = `SELECT * REPLACE (epoch_ms(log_time) AS log_time) FROM read_parquet([${paths.join(', ')}], hive_partitioning = false)`;
    return (await query(connection, sql, 'reading the rows')).map(
      (row) =>
        JSON.parse(JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? Number(value) : value))) as Row,
    );
  } finally {
    close();
  }
}
