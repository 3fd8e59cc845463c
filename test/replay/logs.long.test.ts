/** Replay of 200 simulated logs of a synthetic world, from their files: bias and coverage against the truth of the world. */
import { expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { drawOrder } from '../../src/evaluate/replay/index.ts';
import type { EventLog } from '../../src/events/log.ts';
import { positionBias } from '../../src/replay/position-bias.ts';
import { replayLog } from '../../src/replay/replay.ts';
import { expectBetween } from '../evaluate/simulation.ts';
import { asked, eventsOf, type LogShape, policyOf, type Score, scoreBy, world, written } from './logs.ts';

const LOGS = 200;
const logging = scoreBy(0.3, 'logging');
const judged = scoreBy(0.5, 'judged');

/** Expected clicks of a request under a policy: over drawn requests, by the world's probabilities. */
function truthOf(score: Score, temperature: number, { candidates, shown }: LogShape): { value: number; se: number } {
  const generator = random('truth', temperature, shown);
  const REQUESTS = 100_000;
  const values = Array.from({ length: REQUESTS }, (_, i) => {
    const request = asked(generator, generator.below(world.options.users), candidates);
    const { user, scenario } = request;
    const scores = request.candidates.map((item) => score(request, item));
    const order =
      temperature === 0
        ? scores.map((_, k) => k).sort((a, b) => scores[b] - scores[a])
        : drawOrder(scores, shown, { temperature, seed: `truth ${i}` });
    return order
      .slice(0, shown)
      .reduce(
        (sum, k, p) => sum + world.probabilities({ user, scenario, item: request.candidates[k] })[0] / (1 + p),
        0,
      );
  });
  const mean = values.reduce((a, b) => a + b) / REQUESTS;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / REQUESTS;
  return { value: mean, se: Math.sqrt(variance / REQUESTS) };
}

interface Found {
  errors: number[];
  covered: number;
}

interface Judging {
  temperature: number;
  /** Estimators that must be there. */
  names: readonly string[];
  /** More to look at in each log. */
  look?: (events: EventLog, log: number) => Promise<void>;
}

async function judgeLogs(name: string, shape: LogShape, { temperature, names, look }: Judging): Promise<void> {
  const truth = truthOf(judged, temperature, shape);
  const found = new Map<string, Found>(names.map((each) => [each, { errors: [], covered: 0 }]));
  for (let log = 0; log < LOGS; log++) {
    const events = await written(eventsOf(name, log, shape));
    const options = { reward: { click: 1 }, temperature, resamples: 400, seed: log };
    const { estimates, refusals } = await replayLog(events, policyOf(judged), options);
    expect(refusals).toEqual([]);
    await look?.(events, log);
    expect(estimates.map((each) => each.name).sort()).toEqual([...names].sort());
    for (const { name: each, estimate, low, high } of estimates) {
      const own = found.get(each) as Found;
      own.errors.push(estimate - truth.value);
      if (low <= truth.value && truth.value <= high) own.covered++;
    }
  }
  for (const [each, own] of found) checkErrors(`${name}, ${each}`, own, truth.se);
}

/** @param more standard error of the truth itself */
function checkErrors(name: string, { errors, covered }: Found, more = 0): void {
  const mean = errors.reduce((a, b) => a + b) / LOGS;
  const sd = Math.sqrt(errors.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (LOGS - 1));
  expectBetween(`${name}: mean error in standard errors`, mean / Math.sqrt(sd ** 2 / LOGS + more ** 2), -3, 3);
  expectBetween(`${name}: coverage`, covered / LOGS, 0.92, 0.98);
}

const shape = { users: 250, requestsAUser: 3, candidates: 6, shown: 3, temperature: 1.5, score: logging };

test('one item is shown: IPS, SNIPS, DR', () =>
  judgeLogs('one item', { ...shape, shown: 1 }, { temperature: 1.2, names: ['ips', 'snips', 'dr'] }));

test('three items are shown: IIPS, RIPS, cascade-DR, and position bias', async () => {
  const positions = [1, 2].map((): Found => ({ errors: [], covered: 0 }));
  await judgeLogs('lists', shape, {
    temperature: 1.2,
    names: ['iips', 'sn-iips', 'rips', 'sn-rips', 'cascade-dr'],
    async look(events, log) {
      const { scenarios } = await positionBias(events, { seed: log });
      for (const [k, own] of positions.entries()) {
        const found = scenarios[0].positions[k + 1] as Record<'relative' | 'low' | 'high', number>;
        const truth = 1 / (k + 2);
        own.errors.push(Math.log(found.relative / truth));
        if (found.low <= truth && truth <= found.high) own.covered++;
      }
    },
  });
  for (const [k, own] of positions.entries()) checkErrors(`position bias, position ${k + 2}`, own);
});
