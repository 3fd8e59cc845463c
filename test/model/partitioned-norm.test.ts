/** Partitioned norm against its definition, scenario by scenario in plain numbers; some have one row, some none. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { buildForward } from '../../src/inference/graphs/forward.ts';
import type { CommonOptions, ModelDefinition } from '../../src/model/contract.ts';
import { partitionedNorm } from '../../src/model/layers/norms/partitioned-norm.ts';
import { network } from '../../src/model/network.ts';
import { commonOptions } from '../../src/model/options.ts';
import type { Value } from '../../src/runtime/contract.ts';
import { expectClose, float, int, normals, run, wholes } from '../graph/support.ts';

/** The norm as a model: its logits are the normalised rows, a number for each field. */
const alone: ModelDefinition<CommonOptions> = {
  key: 'partitioned-norm',
  title: 'Partitioned norm',
  paper: '',
  purpose: '',
  options: z.strictObject(commonOptions),
  presets: {},
  build(_, { fields, scenarios }) {
    const norm = partitionedNorm('norm', { scenarios, size: fields });
    return network([norm], (step) => ({ logits: norm(step.embedding, step) }));
  },
};

/** Rows [B, n], their scenarios [B], scales and shifts [n] and [S, n], moving averages [S, n]. */
interface Feeds extends Record<string, Value> {
  embedding: Value;
  scenario: Value;
  'norm.scale': Value;
  'norm.shift': Value;
  'norm.scenario.scale': Value;
  'norm.scenario.shift': Value;
  'buffer.norm.mean': Value;
  'buffer.norm.variance': Value;
}

/** Rows as they leave the norm, and the moving averages as they are then. */
async function normed(feeds: Feeds, training: boolean): Promise<{ rows: Value; mean: Value; variance: Value }> {
  const [scenarios, fields] = feeds['buffer.norm.mean'].shape;
  const sizes = { fields, scenarios, tasks: fields };
  const options = { embeddingDim: 1, dropout: 0 };
  const { forward, buffers } = buildForward({ model: alone, options, sizes, phase: 'train', batchSize: 1 }, training);
  const [mean, variance] = ['mean', 'variance'].map((name) => buffers.get(`norm.${name}`));
  if (mean === undefined || variance === undefined) throw new Error('the norm has moving averages');
  return run({ rows: forward.logits, mean, variance }, feeds);
}

test('a scenario with two rows has their statistics, one with one row or none its moving averages', async () => {
  const feeds: Feeds = {
    embedding: float([1, 5, 3], 3, 1),
    scenario: int([0, 1, 0], 3),
    'norm.scale': float([2], 1),
    'norm.shift': float([1], 1),
    'norm.scenario.scale': float([1, 3, 1], 3, 1),
    'norm.scenario.shift': float([0, 10, 0], 3, 1),
    'buffer.norm.mean': float([7, 3, 0.3], 3, 1),
    'buffer.norm.variance': float([9, 4, 0.7], 3, 1),
  };
  // Scenario 0: rows 1 and 3, mean 2, variance 1 (unbiased 2). Scenario 1: (5 - 3) / 2 = 1, times 2*3, plus 1+10.
  const trained = await normed(feeds, true);
  expectClose(trained.rows, { shape: [3, 1], data: [-1, 17, 3] }, 1e-5);
  expectClose(trained.mean, { shape: [3, 1], data: [0.9 * 7 + 0.1 * 2, 3, 0.3] }, 1e-6);
  expectClose(trained.variance, { shape: [3, 1], data: [0.9 * 9 + 0.1 * 2, 4, 0.7] }, 1e-6);
  for (const [after, before] of [
    [trained.mean, feeds['buffer.norm.mean']],
    [trained.variance, feeds['buffer.norm.variance']],
  ])
    expect([...after.data.slice(1)], 'they stay, bit for bit').toEqual([...before.data.slice(1)]);

  // Scored: (1 - 7) / 3 = -2 and (3 - 7) / 3, times 2, plus 1.
  const scored = await normed(feeds, false);
  expectClose(scored.rows, { shape: [3, 1], data: [-3, 17, 1 - 8 / 3] }, 1e-5);
  expect([scored.mean, scored.variance]).toEqual([feeds['buffer.norm.mean'], feeds['buffer.norm.variance']]);
});

test('it follows its definition for any rows', async () => {
  const sizes = fc.record({
    rows: fc.integer({ min: 1, max: 12 }),
    scenarios: fc.integer({ min: 1, max: 4 }),
    size: fc.integer({ min: 1, max: 3 }),
    key: fc.nat(),
    training: fc.boolean(),
  });
  const property = fc.asyncProperty(sizes, async ({ rows, scenarios, size, key, training }) => {
    const drawn = (shape: number[], name: string): Value => normals(shape, 1, name, key);
    const feeds: Feeds = {
      embedding: drawn([rows, size], 'rows'),
      scenario: wholes([rows], scenarios, 'scenario', key),
      'norm.scale': drawn([size], 'scale'),
      'norm.shift': drawn([size], 'shift'),
      'norm.scenario.scale': drawn([scenarios, size], 'own scale'),
      'norm.scenario.shift': drawn([scenarios, size], 'own shift'),
      'buffer.norm.mean': drawn([scenarios, size], 'mean'),
      'buffer.norm.variance': float(
        drawn([scenarios, size], 'variance').data.map((v) => v * v + 0.1),
        scenarios,
        size,
      ),
    };
    const found = await normed(feeds, training);
    const expected = defined(feeds, training);
    expectClose(found.rows, { shape: [rows, size], data: expected.rows }, 1e-4, 'rows', 1e-5);
    expectClose(found.mean, { shape: [scenarios, size], data: expected.mean }, 1e-5, 'mean');
    expectClose(found.variance, { shape: [scenarios, size], data: expected.variance }, 1e-5, 'variance');
  });
  await fc.assert(property, { numRuns: 30, seed: 5 });
});

/** The definition, one scenario and one column after another. */
function defined(feeds: Feeds, training: boolean): { rows: number[]; mean: number[]; variance: number[] } {
  const numbers = (name: string): number[] => Array.from(feeds[name].data);
  const [scenarios, size] = feeds['buffer.norm.mean'].shape;
  const [x, owner] = [numbers('embedding'), numbers('scenario')];
  const result = { rows: [...x], mean: numbers('buffer.norm.mean'), variance: numbers('buffer.norm.variance') };
  for (let s = 0; s < scenarios; s++)
    for (let column = 0; column < size; column++) {
      const at = s * size + column;
      const places = owner.flatMap((of, row) => (of === s ? [row * size + column] : []));
      const n = places.length;
      let [mean, variance] = [result.mean[at], result.variance[at]];
      if (training && n > 1) {
        mean = places.reduce((sum, place) => sum + x[place], 0) / n;
        const squares = places.reduce((sum, place) => sum + (x[place] - mean) ** 2, 0);
        variance = squares / n;
        result.mean[at] = 0.9 * result.mean[at] + 0.1 * mean;
        result.variance[at] = 0.9 * result.variance[at] + (0.1 * squares) / (n - 1);
      }
      const scale = numbers('norm.scale')[column] * numbers('norm.scenario.scale')[at];
      const shift = numbers('norm.shift')[column] + numbers('norm.scenario.shift')[at];
      for (const place of places) result.rows[place] = ((x[place] - mean) / Math.sqrt(variance + 1e-5)) * scale + shift;
    }
  return result;
}
