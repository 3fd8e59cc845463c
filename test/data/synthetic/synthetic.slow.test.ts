/** The synthetic world on rows enough to see its effects. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDuckDB, query } from '../../../src/data/sql/duckdb.ts';
import { bayesAuc } from '../../../src/data/synthetic/bayes.ts';
import { createWorld, type World } from '../../../src/data/synthetic/world.ts';
import { EVERYWHERE, temporaryFolder } from '../support.ts';
import { blindScore } from './blind-score.ts';

test('rows written by SQL are independent of the number of threads', async () => {
  // More rows than one row group and several vectors, so that threads could disorder them.
  const world = createWorld({ seed: 2 });
  const path = join(temporaryFolder(), 'threads.parquet');
  const database = await openDuckDB(EVERYWHERE);
  await world.writeParquet(path, { rows: 200_000 });
  const sample = await query(
    database.connection,
    `SELECT r, user_id, item_id FROM (SELECT row_number() OVER () - 1 AS r, * FROM '${path}') WHERE r % 997 = 0`,
    'test',
  );
  database.close();
  for (const { r, user_id, item_id } of sample) {
    const { user, item } = world.row(Number(r));
    expect([user, item]).toEqual([user_id, item_id]);
  }
});

test('the planted truth shows in the labels: positive rates and the regression on the effects', () => {
  const world = createWorld({ seed: 1 });
  const rows = Array.from({ length: 50_000 }, (_, i) => world.row(i));
  const recovery = logisticRecovery(world, rows);
  world.planted.scenarios.forEach((_, s) => {
    const own = rows.filter((r) => r.scenario === s);
    world.planted.tasks.forEach((_, t) => {
      const expected = own.reduce((sum, r) => sum + world.probabilities(r)[t], 0) / own.length;
      const found = own.reduce((sum, r) => sum + r.labels[t], 0) / own.length;
      expect(Math.abs(found - expected)).toBeLessThan((4 * 0.5) / Math.sqrt(own.length)); // four standard errors
      world.planted.strength[s][t].forEach((strength, k) => {
        expect(Math.abs(recovery[s][t][k] - strength)).toBeLessThan(0.12);
      });
    });
  });
});

test('knowing the scenario is worth much in every cell', () => {
  const world = createWorld({ seed: 1 });
  const best = bayesAuc(world, { rows: 12_000 });
  const blind = bayesAuc(world, { rows: 12_000, score: blindScore(world) });
  world.planted.scenarios.forEach((_, s) => {
    world.planted.tasks.forEach((_, t) => {
      expect(best[s][t]).toBeGreaterThan(0.75);
      expect(best[s][t] - blind[s][t]).toBeGreaterThan(0.02);
    });
  });
});

/** Coefficients [S][T][4] of a logistic regression of the labels on the effects, by Newton's method. */
function logisticRecovery(world: World, rows: ReturnType<World['row']>[]): number[][][] {
  return world.planted.scenarios.map((_, s) =>
    world.planted.tasks.map((_, t) => {
      const own = rows.filter((r) => r.scenario === s).map((r) => ({ x: [1, ...world.effects(r)[t]], y: r.labels[t] }));
      let w = [0, 0, 0, 0, 0];
      for (let step = 0; step < 6; step++) {
        const gradient = w.map(() => 0);
        const hessian = w.map(() => w.map(() => 0));
        for (const { x, y } of own) {
          const p = 1 / (1 + Math.exp(-x.reduce((sum, v, i) => sum + v * w[i], 0)));
          x.forEach((v, i) => {
            gradient[i] += (y - p) * v;
            x.forEach((u, j) => {
              hessian[i][j] += p * (1 - p) * u * v;
            });
          });
        }
        const move = cramer(hessian, gradient);
        w = w.map((v, i) => v + move[i]);
      }
      return w.slice(1);
    }),
  );
}

/** Solves by Cramer's rule: slow and plain. */
function cramer(a: number[][], b: number[]): number[] {
  const det = (m: number[][]): number =>
    m.length === 1
      ? m[0][0]
      : m[0].reduce((sum, v, j) => sum + (j % 2 ? -v : v) * det(m.slice(1).map((r) => r.filter((_, c) => c !== j))), 0);
  const whole = det(a);
  return b.map((_, k) => det(a.map((row, i) => row.map((v, j) => (j === k ? b[i] : v)))) / whole);
}
