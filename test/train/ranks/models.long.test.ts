/** Every model trained on 1, 2 and 4 ranks: the losses of its first 50 steps, and the AUC that it ends with. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatasetInput } from '../../../src/config/dataset.ts';
import { CASES } from '../../model/every-case.ts';
import { makeRun, prepareSmall, temporaryFolder } from '../support.ts';
import { apart, aucOf, lossesOf, trainOver } from './train.ts';

const folder = temporaryFolder();
let plain: string;
let sequences: string;

const SEQUENCES = {
  key: '"user"',
  time: 'time',
  item: 'item',
  length: 4,
  types: { clicked: 'click = 1', seen: 'true' },
} as DatasetInput['sequences'];

beforeAll(async () => {
  plain = await prepareSmall(folder.path, 4000);
  sequences = await prepareSmall(folder.path, 4000, 30, 'sequences', 4000, SEQUENCES);
});
afterAll(() => folder.remove());

/** What differs from the options of the model's first case. */
const OTHER: Record<string, { data?: () => string; model?: object; train?: object }> = {
  dtrn: { data: () => sequences },
  pepnet: { model: { inputFields: ['user', 'item'], priorFields: ['user', 'place'] } }, // fields of these data
  // The field "place" is the scenario. Normalised by scenario it is rounding divided by sqrt(1e-5), and Adam makes steps of full
  // size of gradients that are rounding, so sums in another order lead elsewhere.
  star: { train: { optimizer: 'sgd', learningRate: 0.1 } },
};

describe.each(Object.entries(CASES))('%s', (key, { cases: [{ options }] }) => {
  test('learns the same on 1, 2 and 4 ranks', async () => {
    const { data = () => plain, model, train } = OTHER[key] ?? {};
    const trained = async (ranks: number, tables: string): Promise<string> => {
      const run = await makeRun(join(folder.path, `${key}-${ranks}-${tables}`), data(), {
        model: { key, ...options, ...model },
        threads: 1,
        train: { batchSize: 310, metricsEverySteps: 1, searchEpochs: 3, maxEpochs: 5, patience: 5, tables, ...train },
      });
      await trainOver(run, ranks);
      return run;
    };
    const one = await trained(1, 'auto');
    for (const [ranks, tables] of SEVERAL) {
      const several = await trained(ranks, tables);
      expect(lossesOf(several).length).toBe(lossesOf(one).length);
      expect(apart(lossesOf(one), lossesOf(several), 50 * TASKS), `losses on ${ranks} ranks`).toBeLessThan(1e-5);
      expect(Math.abs(aucOf(one) - aucOf(several)), `AUC on ${ranks} ranks`).toBeLessThan(5e-4);
    }
  });
});

const TASKS = 2;

const SEVERAL = [
  [2, 'replicated'],
  [4, 'replicated'],
  [4, 'sharded'],
] as const;
