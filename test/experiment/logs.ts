/** Logs of experiments with planted effects, as segments: small lines, many units. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { type Random, random } from '../../src/base/random.ts';
import { experimentsSchema } from '../../src/config/experiments.ts';
import { assign } from '../../src/evaluate/experiment/index.ts';
import type { Impression, Interaction } from '../../src/events/event.ts';
import { lineOfTurn } from '../events/compact.ts';

export const DAY = 86_400_000;
/** Midnight, UTC. */
export const START = Date.parse('2026-11-01');

export const configured = (input: Partial<z.input<typeof experimentsSchema>[number]> = {}) =>
  experimentsSchema.parse([
    { key: 'flows', unit: 'user_id', arms: { control: {}, treatment: {} }, metrics: { success: ['click'] }, ...input },
  ])[0];

export type Configured = ReturnType<typeof configured>;

export interface Planted {
  config?: Configured;
  seed?: number;
  units: number;
  /** Days of the experiment, and before it. Default 3 and 0. */
  days?: number;
  before?: number;
  /** Mean answers of a unit a day. Default 1. */
  answers?: number;
  /** Chance of a click on an item by arm; before the experiment that of the first arm. */
  click?: (arm: string, scenario: string) => number;
  /** Of a buy, given a click. Default 0.1. */
  buy?: number;
  /** Standard deviation of ln of how keen a unit is. Default 0.5. */
  spread?: number;
  /** Share of the units of an arm that are lost. */
  lose?: { arm: string; share: number };
  took?: (arm: string, generator: Random) => number;
  failed?: (arm: string, generator: Random) => boolean;
}

type Line = Impression | Interaction;
const SCENARIOS = ['home', 'search'];

/** All events in the order of units. */
export function* plantedEvents(planted: Planted): Generator<Line> {
  const {
    config = configured(),
    seed = 1,
    units,
    days = 3,
    before = 0,
    answers = 1,
    spread = 0.5,
    buy = 0.1,
  } = planted;
  const arms = Object.keys(config.arms);
  const weights = config.weights ?? arms.map(() => 1 / arms.length);
  const { click = () => 0.2, lose, took, failed } = planted;
  for (let u = 0; u < units; u++) {
    const generator = random('planted log', seed, u);
    const unit = `${seed}-${u}`;
    const assigned = assign({ ...config, weights }, unit);
    if (assigned === undefined) continue;
    const arm = arms[assigned.arm];
    const isLost = lose?.arm === arm && generator.uniform() < lose.share;
    const keenness = Math.exp(spread * generator.normal() - spread ** 2 / 2);
    for (let day = -before; day < days; day++) {
      for (let n = poisson(answers, generator); n > 0; n--) {
        const time = START + day * DAY + Math.floor(generator.uniform() * DAY);
        if (day >= 0 && isLost) continue;
        const scenario = SCENARIOS[generator.below(2)];
        const id = `${unit}/${day}/${n}`;
        const shownAs = day < 0 ? arms[0] : arm;
        yield impressionOf(
          id,
          { time, unit, scenario, arm: shownAs },
          day < 0
            ? undefined
            : {
                key: config.key,
                arm,
                bucket: assigned.bucket,
                bucket_version: config.bucketVersion,
                ...(failed?.(arm, generator) && { failed: 'MODEL_FAILED' }),
              },
          took?.(shownAs, generator),
        );
        for (const item of ['a', 'b', 'c']) {
          if (generator.uniform() >= click(shownAs, scenario) * keenness) continue;
          yield reaction(id, item, 'click', time + 1000);
          if (generator.uniform() < buy) yield reaction(id, item, 'buy', time + 60_000);
        }
      }
    }
  }
}

function impressionOf(
  id: string,
  { time, unit, scenario, arm }: { time: number; unit: string; scenario: string; arm: string },
  entry: NonNullable<Impression['experiments']>[number] | undefined,
  took_ms: number | undefined,
): Impression {
  return {
    schema: 'event/1',
    event_id: `i/${id}`,
    kind: 'impression',
    time,
    request_id: id,
    scenario,
    unit,
    model: `${arm}@000000000000`,
    score_hash: '0123456789abcdef',
    ...(entry !== undefined && { experiments: [entry] }),
    ...(took_ms !== undefined && { took_ms }),
    policy: { kind: 'deterministic' },
    candidates: 3,
    items: ['a', 'b', 'c'].map((item_id, i) => ({ item_id, position: i + 1, score: 0, probabilities: {} })),
  };
}

export const reaction = (request_id: string, item_id: string, type: string, time: number): Interaction => ({
  schema: 'event/1',
  event_id: `r/${request_id}/${item_id}/${type}`,
  kind: 'interaction',
  time,
  request_id,
  item_id,
  type,
  value: 2,
});

function poisson(mean: number, generator: Random): number {
  let [n, p] = [0, Math.exp(-mean)];
  let u = generator.uniform();
  while (u > p && n < 50) {
    u -= p;
    n++;
    p *= mean / n;
  }
  return n;
}

/** Writes events as segments of a log; returns the folder. Impressions are lines of all schemas by turns. */
export function writeLog(folder: string, events: Iterable<object>): string {
  mkdirSync(folder, { recursive: true });
  let [lines, n]: [string[], number] = [[], 0];
  const flush = (): void => {
    if (lines.length === 0) return;
    writeFileSync(
      join(folder, `20261101T000000000Z-${String(n++).padStart(6, '0')}.0-0-0123abcd-0.jsonl`),
      `${lines.join('\n')}\n`,
    );
    lines = [];
  };
  for (const event of events) {
    lines.push(lineOfTurn(event, lines.length));
    if (lines.length === 100_000) flush();
  }
  flush();
  return folder;
}
