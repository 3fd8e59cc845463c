/** Runs of every kind, stopped and resumed; the quick tests have two of them. */
import { join } from 'node:path';
import { afterAll, beforeAll, test } from 'vitest';
import { makeRun, prepareSmall, resumesToTheSameBits, SMALL_M3OE, temporaryFolder } from '../support.ts';

const folder = temporaryFolder();
let data: string;
let counter = 0;
const newRun = (input?: Record<string, unknown>) => makeRun(join(folder.path, `run${++counter}`), data, input);

beforeAll(async () => {
  data = await prepareSmall(folder.path);
});
afterAll(() => folder.remove());

test.each([
  ['dense tables, stored order', { train: { tableUpdates: 'dense', shuffle: false } }],
  ['SGD with momentum', { train: { optimizer: 'sgd', momentum: 0.9, learningRate: 0.1 } }],
  ['a group that learns from validation rows', { model: SMALL_M3OE, train: { maxEpochs: 6, patience: 6 } }],
  [
    'state that grows with every step',
    { model: { key: 'adasparse', embeddingDim: 4, dims: [8, 8] }, train: { maxEpochs: 6, patience: 6 } },
  ],
  [
    'decay of ids, averaged weights, validations within an epoch, a schedule',
    {
      train: {
        idDecay: { item: 5, user: 2 },
        weightAverage: 0.9,
        validationsPerEpoch: 3,
        patience: 5,
        maxEpochs: 6,
        schedule: { kind: 'cosine', warmupSteps: 4 },
      },
    },
  ],
  ['uncertainty weighting', { train: { taskWeighting: { kind: 'uncertainty' } } }],
  ['DWA, means per scenario', { train: { taskWeighting: { kind: 'dwa' }, lossReduction: 'perScenarioMean' } }],
  ['GradNorm', { train: { taskWeighting: { kind: 'gradnorm', learningRate: 0.05 } } }],
  [
    'PCGrad, dense tables, clipping',
    { train: { taskWeighting: { kind: 'pcgrad' }, tableUpdates: 'dense', clipNorm: 0.5 } },
  ],
])('stopped and resumed anywhere gives the bits of the unbroken run: %s', (_name, input) =>
  resumesToTheSameBits(newRun, input),
);
