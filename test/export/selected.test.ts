/** Graphs of one scenario, and of all, made from what the gates and choices of some rows always are: equal on these rows. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rewriter } from '../../src/export/select/rewrite.ts';
import { decide, type SwitchCounts, switchesOf } from '../../src/export/select/switches.ts';
import { servingTensors } from '../../src/inference/graphs/serving.ts';
import { createServing } from '../../src/inference/serving/serving-model.ts';
import type { CommonOptions, ModelDefinition } from '../../src/model/contract.ts';
import { models } from '../../src/model/registry.ts';
import { AUTOIFS_CASES } from '../model/autoifs-cases.ts';
import { CASES } from '../model/every-case.ts';
import { countsOn, holds, ROWS, withGates } from './holds.ts';
import { rowsFor, servedOf, servingGraph } from './served.ts';

type Model = ModelDefinition<CommonOptions>;
const AUTOIFS = models.get('autoifs') as Model;

test.each(['autoifs', 'star'])('%s answers as before', async (key) => {
  const [{ options, sizes }] = CASES[key].cases;
  const served = servedOf(models.get(key) as Model, options, sizes);
  for (const graph of await holds(served, rowsFor(served, ROWS)))
    expect(graph.multiplyAdds).toBeLessThan(servingGraph(served).multiplyAdds);
});

describe('AutoIFS', () => {
  test('answers as before, whatever its sizes and whichever gates are constant', async () => {
    const pattern = fc.array(fc.constantFrom(0, 1, null), { minLength: 1, maxLength: 16 });
    await fc.assert(
      fc.asyncProperty(AUTOIFS_CASES.anySizes, pattern, fc.nat(1000), async ({ options, sizes }, gates, seed) => {
        const served = withGates(servedOf(AUTOIFS, options, sizes, seed), gates as (0 | 1 | null)[]);
        await holds(served, rowsFor(served, ROWS, seed));
      }),
      { numRuns: 3 },
    );
  });

  test('needs neither gate network nor gate table where all gates are constant, and half the products', async () => {
    const sizes = { fields: 8, scenarios: 3, tasks: 2 };
    const options = { embeddingDim: 4, mlpDims: [64, 32, 16] };
    const served = withGates(servedOf(AUTOIFS, options, sizes), [1, 0, 0, 1, 1, 1, 0, 0]);
    const before = servingGraph(served);
    const graphs = await holds(served, rowsFor(served, ROWS));
    expect(before.tables).toEqual(['embedding', 'gateEmbedding']);
    for (const graph of graphs) {
      expect(graph.tables).toEqual(['embedding']);
      // Shared layers, one merged scenario kernel, one column a task on the merged path and one on what the shared layers give.
      expect(graph.multiplyAdds).toBe(32 * 64 + 64 * 32 + 32 * 16 + 16 * 2 + 32 * 2);
      expect(graph.multiplyAdds).toBeLessThan(0.6 * before.multiplyAdds);
    }
  });

  test('keeps the subtraction of a flow out of the graph where it is never removed', async () => {
    const served = withGates(
      servedOf(AUTOIFS, { embeddingDim: 2, mlpDims: [8, 6, 5] }, { fields: 3, scenarios: 2, tasks: 2 }),
      [0],
    );
    for (const graph of await holds(served, rowsFor(served, ROWS)))
      expect(graph.multiplyAdds).toBe(6 * 8 + 8 * 6 + 6 * 5 + 5 * 2);
  });
});

describe('AESM²', () => {
  test('leaves out experts that a scenario never chooses, and the rank of those that are settled', async () => {
    const layer = { kSpecific: 1, kShared: 1, layers: 1 };
    const options = {
      embeddingDim: 3,
      scenarioLayers: [{ ...layer, experts: 4, expertDims: [9] }],
      taskLayers: { ...layer, experts: 3, expertDims: [8] },
      towerDims: [],
    };
    const served = servedOf(models.get('aesm2') as Model, options, { fields: 3, scenarios: 2, tasks: 2 });
    // Expert 0 is specific to scenario 0, expert 1 to scenario 1, expert 2 shared; expert 3 is never the best of anything.
    const tensors = new Map(served.tensors);
    const bias = Float32Array.from([30, 0, 0, 15, 0, 30, 0, 0]);
    tensors.set('scenario.0.0.gate.bias', { shape: [2, 4], data: bias });
    const settled = { ...served, tensors };
    const rows = rowsFor(settled, ROWS);
    const decisions = decide(await countsOn(settled, servingTensors(settled), rows));
    expect(decisions['choice scenario.0.0']).toEqual([
      [1, 0, 1, 0],
      [0, 1, 1, 0],
    ]);
    const graphs = await holds(settled, rows);
    const undecided = Object.fromEntries(
      Object.entries(decisions).map(([name, own]) => [name, own.map((parts) => parts.map(() => null))]),
    );
    const experts = 2 * 9 * 9; // two of four, 9 numbers to 9
    const gates = 9 * (2 * 4 - 2); // the own gate's scores of two experts are left
    const serving = createServing(settled);
    const { scenarios } = rewriter(serving, switchesOf(serving.tensors), undecided, true)({});
    for (const [s, graph] of graphs.entries()) {
      expect(scenarios[s].multiplyAdds - graph.multiplyAdds).toBeGreaterThanOrEqual(experts + gates);
    }
  });
});

describe('decisions', () => {
  const counts: SwitchCounts = {
    rows: [1000, 0],
    ones: {
      gates: [
        [0, 3, 500, 998, 1000],
        [0, 0, 0, 0, 0],
      ],
    },
  };

  test('are what every measured row says', () => {
    expect(decide(counts)).toEqual({
      gates: [
        [0, null, null, null, 1],
        [null, null, null, null, null],
      ],
    });
  });

  test('are rates near 0 and 1, too, where epsilon allows it', () => {
    expect(decide(counts, 0.004).gates[0]).toEqual([0, 0, null, 1, 1]);
    expect(decide(counts, 0.003).gates[0]).toEqual([0, null, null, 1, 1]);
  });
});
