import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { datasetSchema } from '../../../src/config/dataset.ts';
import { type Database, openDuckDB, query } from '../../../src/data/sql/duckdb.ts';
import { bayesAuc, expectedAuc } from '../../../src/data/synthetic/bayes.ts';
import { recoverStrengths } from '../../../src/data/synthetic/recovery.ts';
import { createWorld, plantedTruth, type World } from '../../../src/data/synthetic/world.ts';
import { EVERYWHERE } from '../support.ts';
import { blindScore, logit } from './blind-score.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-synthetic-'));
let database: Database;
beforeAll(async () => {
  database = await openDuckDB({ ...EVERYWHERE, tempFolder: join(folder, 'spill') });
});
afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

async function rowsOf(world: World, rows: number, name: string) {
  const path = join(folder, `${name}.parquet`);
  await world.writeParquet(path, { rows, probabilities: true });
  return query(database.connection, `SELECT * FROM '${path}'`, 'test');
}

describe('rows written by SQL', () => {
  test.each([
    ['the default world', {}],
    [
      'four scenarios, three chained tasks, noisy labels',
      { scenarios: 4, tasks: 3, funnel: true, noise: 0.2, seed: 9 },
    ],
    ['a rare scenario with an opposed flow', { shares: [6, 3, 1], opposedFlows: [{ scenario: 2, task: 0, flow: 1 }] }],
    ['one scenario, one task', { scenarios: 1, tasks: 1, users: 3, items: 1 }],
  ])('are those of row(), fields() and probabilities(): %s', async (_, options) => {
    const world = createWorld(options);
    const { tasks, scenarios } = world.planted;
    const rows = await rowsOf(world, 600, 'twin');
    expect(rows).toHaveLength(600);
    rows.forEach((found, index) => {
      const { labels, ...encounter } = world.row(index);
      const { time, ...rest } = found;
      const probabilities = world.probabilities(encounter);
      expect(rest).toEqual({
        ...world.fields(encounter),
        ...Object.fromEntries(tasks.map((task, t) => [task, labels[t]])),
        ...Object.fromEntries(tasks.map((task, t) => [`probability_${task}`, expect.closeTo(probabilities[t], 9)])),
      });
      expect(scenarios[encounter.scenario]).toBe(found.scenario);
      if (index > 0) expect(Number(time as Date)).toBeGreaterThanOrEqual(Number(rows[index - 1].time as Date));
    });
    if (world.options.funnel) expect(rows.some((r) => r.like === 1 && r.click === 0)).toBe(false);
  });

  test('repeat with the seed, whatever the size of the file, and differ between seeds', async () => {
    const content = async (seed: number, rows: number) =>
      (await rowsOf(createWorld({ seed }), rows, `seed-${seed}-${rows}`)).map(({ time: _, ...row }) =>
        JSON.stringify(row),
      );
    const few = await content(5, 500);
    expect((await content(5, 2000)).slice(0, 500)).toEqual(few);
    const other = await content(6, 500);
    expect(few.filter((row, i) => row === other[i])).toHaveLength(0);
  });
});

describe('the planted truth', () => {
  const world = createWorld({ seed: 1 });
  const rows = Array.from({ length: 3000 }, (_, i) => world.row(i));

  test('an opposed flow has the same effect with a negative strength, and rows follow the shares', () => {
    const options = { seed: 1, shares: [6, 3, 1], noiseFlows: [] };
    const [plain, turned] = [[], [{ scenario: 2, task: 0, flow: 1 }]].map((opposedFlows) =>
      createWorld({ ...options, opposedFlows }),
    );
    const cell = plantedTruth(turned).cells.filter(({ flows }) => flows.some(({ opposed }) => opposed));
    expect(cell).toMatchObject([
      { scenario: 'detail', task: 'click', flows: [{ flow: 1, strength: -1.2, opposed: true }, {}, {}, {}] },
    ]);
    const met = { user: 3, item: 4, scenario: 2 };
    const change = logit(turned.probabilities(met)[0]) - logit(plain.probabilities(met)[0]);
    expect(change).toBeCloseTo(-2.4 * plain.effects(met)[0][0], 9);
    expect(turned.probabilities(met)[1]).toBe(plain.probabilities(met)[1]);
    const rare = Array.from({ length: 3000 }, (_, i) => turned.row(i)).filter(({ scenario }) => scenario === 2).length;
    expect(rare / 3000).toBeCloseTo(0.1, 1);
  });

  test('names four noise flows in four different cells, elsewhere the given strengths', () => {
    const { cells } = plantedTruth(world);
    expect(cells).toHaveLength(6);
    const noisy = cells.flatMap((c) =>
      c.flows.filter((f) => f.noise).map((f) => ({ cell: `${c.scenario} ${c.task}`, ...f })),
    );
    expect(noisy.map((f) => f.flow).sort()).toEqual([1, 2, 3, 4]);
    expect(new Set(noisy.map((f) => f.cell)).size).toBe(4);
    for (const { flows } of cells)
      expect(flows.map((f) => f.strength)).toEqual(flows.map((f) => (f.noise ? 0 : [1.2, 1, 1, 1][f.flow - 1])));
    expect(JSON.parse(JSON.stringify(plantedTruth(world)))).toEqual(plantedTruth(world));
  });

  test('effects have unit variance; the specific ones cancel over scenarios, over tasks', () => {
    for (const flows of world.planted.effect.flat())
      for (const table of flows) {
        expect(table.reduce((a, b) => a + b, 0) / 64).toBeCloseTo(0, 10);
        expect(table.reduce((a, b) => a + b * b, 0) / 64).toBeCloseTo(1, 10);
      }
    const effect = (s: number, t: number, k: number): number[] => Array.from(world.planted.effect[s][t][k]);
    expect(effect(0, 0, 0)).toEqual(effect(2, 1, 0)); // shared -> shared: everywhere the same
    expect(effect(1, 0, 3)).toEqual(effect(1, 1, 3)); // specific -> shared: the same for both tasks
    expect(effect(0, 1, 2)).toEqual(effect(2, 1, 2)); // shared -> task-specific: the same in all scenarios
    for (const k of [1, 2]) expect(effect(0, 0, k)).toEqual(effect(0, 1, k).map((x) => expect.closeTo(-x, 9))); // two tasks: opposite
    const correlation = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0) / 64;
    expect(correlation(effect(0, 0, 3), effect(1, 0, 3))).toBeLessThan(0.5); // deviations of three scenarios
  });

  test('recoverStrengths finds the strengths in the true logits, and a blind ranker not', () => {
    const truth = recoverStrengths(world);
    const blind = recoverStrengths(world);
    for (const row of rows) {
      truth.add(row, world.probabilities(row).map(logit));
      blind.add(
        row,
        [0, 1].map((t) => logit(blindScore(world)(row, t))),
      );
    }
    const found = truth.finish();
    for (const { flow, planted, recovered } of found.cells.flatMap((c) => c.flows))
      expect([flow, recovered]).toEqual([flow, expect.closeTo(planted, 9)]);
    expect(found.separation).toBe(1);
    expect(blind.finish().separation).toBeLessThan(0.95);
    expect(blind.finish().noise).toBeGreaterThan(0.15);
  });
});

describe('the best possible ranking', () => {
  test('expectedAuc is the mean AUC over drawn labels, pair by pair', () => {
    // Three rows by hand: pairs weighted p_j (1 - p_k); the score orders 0 < 1 = 2.
    const p = [0.5, 0.2, 0.9];
    const wins = 0.2 * 0.5 + 0.9 * 0.5 + 0.5 * (0.2 * 0.1 + 0.9 * 0.8);
    const pairs = 0.5 * (0.8 + 0.1) + 0.2 * (0.5 + 0.1) + 0.9 * (0.5 + 0.8);
    expect(expectedAuc(p, [1, 2, 2])).toBeCloseTo(wins / pairs, 12);
    expect(expectedAuc([0.3], [1])).toBeNaN();
  });

  test('no score beats the probabilities', () => {
    const numbers = fc.array(fc.tuple(fc.double({ min: 0.01, max: 0.99, noNaN: true }), fc.nat(5)), {
      minLength: 2,
      maxLength: 30,
    });
    fc.assert(
      fc.property(numbers, (rows) => {
        const p = rows.map((r) => r[0]);
        const best = expectedAuc(p, p);
        const other = expectedAuc(
          p,
          rows.map((r) => r[1]),
        );
        expect(other).toBeLessThanOrEqual(best + 1e-12);
        expect(
          expectedAuc(
            p,
            p.map((x) => -x),
          ),
        ).toBeCloseTo(1 - best, 9);
      }),
    );
  });

  test('letting a noise flow through costs AUC in its cell', () => {
    const world = createWorld({ seed: 1 });
    const best = bayesAuc(world, { rows: 3000 });
    const everywhere = bayesAuc(world, {
      rows: 3000,
      score: (e, t) => world.effects(e)[t].reduce((sum, x, k) => sum + world.options.strengths[k] * x, 0),
    });
    world.planted.noise.forEach((tasks, s) => {
      tasks.forEach((flows, t) => {
        if (flows.some((noise) => noise)) expect(best[s][t] - everywhere[s][t]).toBeGreaterThan(0.02);
        else expect(everywhere[s][t]).toBeCloseTo(best[s][t], 9);
      });
    });
  });
});

describe('respond', () => {
  const world = createWorld({ seed: 4, funnel: true });
  const items = Array.from({ length: 20 }, (_, i) => i * 7);

  test('answers with the true probabilities, the same for the same exposure', () => {
    const counts = items.map(() => 0);
    const n = 500;
    for (let id = 0; id < n; id++)
      world.respond({ id, user: 11, scenario: 1, items }).forEach(({ labels }, j) => {
        counts[j] += labels[1];
        expect(labels[1]).toBeLessThanOrEqual(labels[0]);
      });
    items.forEach((item, j) => {
      const [, p] = world.probabilities({ user: 11, item, scenario: 1 });
      expect(Math.abs(counts[j] / n - p)).toBeLessThan(4.5 * Math.sqrt((p * (1 - p)) / n) + 1e-3);
    });
    const exposure = { id: 'a', user: 3, scenario: 0, items };
    expect(world.respond(exposure)).toEqual(world.respond({ ...exposure, items: [...items].reverse() }).reverse());
  });

  test('looks less at lower positions', () => {
    const examined = items.map(() => 0);
    const n = 500;
    for (let id = 0; id < n; id++)
      world.respond({ id, user: 5, scenario: 0, items, positionBias: 1 }).forEach((answer, j) => {
        examined[j] += Number(answer.examined);
        if (!answer.examined) expect(answer.labels).toEqual([0, 0]);
      });
    examined.forEach((count, j) => {
      expect(Math.abs(count / n - 1 / (1 + j))).toBeLessThan(0.1);
    });
    expect(examined[0]).toBe(n);
  });
});

test('options are checked, all at once', () => {
  expect(() => createWorld({ users: 0, noise: 2, noiseFlows: [] })).toThrowError(/2 mistakes[\s\S]*users[\s\S]*noise/);
  expect(() => createWorld({ opposedFlows: [{ scenario: 0, task: 2, flow: 1 }] })).toThrowError(
    /opposedFlows[\s\S]*no cell \(0, 2\)/,
  );
  expect(() => createWorld({ shares: [1, 2] })).toThrowError(
    /shares: expected a share for each of 3 scenarios, found 2/,
  );
  expect(() => createWorld({ noiseFlows: [{ scenario: 3, task: 0, flow: 1 }] })).toThrowError(
    /no cell \(3, 0\) in 3 x 2/,
  );
});

test('the dataset configuration is valid and names columns of the file', async () => {
  const world = createWorld({ scenarios: 2, tasks: 4 });
  const config = datasetSchema.parse(world.datasetConfig('x.parquet'));
  const [row] = await rowsOf(world, 10, 'x');
  for (const { name } of config.fields) expect(row).toHaveProperty(name);
  expect(config.tasks).toHaveLength(4);
});
