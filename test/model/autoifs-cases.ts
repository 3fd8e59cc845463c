/** AutoIFS for the contract of models. */
import fc from 'fast-check';
import type { AutoifsOptions } from '../../src/model/zoo/autoifs/options.ts';
import type { ModelCases, Owner } from './contract.ts';

/** Low-rank additions of scenario s: columns [s*r, (s+1)*r) of `down`, those rows of `up`, row s of `bias`. */
const scenarioOwner: Owner = ({ options, sizes }, parameter, index) => {
  const part = /^scenario\.(\d+)\.lora\.(down|up|bias)$/.exec(parameter);
  if (part === null) return undefined;
  const { loraRank, mlpDims, scenarioLayers } = options as AutoifsOptions;
  const width = mlpDims[mlpDims.length - scenarioLayers + Number(part[1])];
  if (part[2] === 'down') return Math.floor((index % (sizes.scenarios * loraRank)) / loraRank);
  if (part[2] === 'up') return Math.floor(Math.floor(index / width) / loraRank);
  return Math.floor(index / width);
};

const widths = (minLength: number, maxLength: number) =>
  fc.array(fc.integer({ min: 1, max: 5 }), { minLength, maxLength });

export const AUTOIFS_CASES: ModelCases = {
  cases: [
    {
      title: 'three scenarios, two tasks',
      options: { embeddingDim: 3, mlpDims: [8, 7, 6], loraRank: 2 },
      sizes: { fields: 4, scenarios: 3, tasks: 2 },
    },
    {
      title: 'one scenario, one task, rank 1, one field',
      options: { embeddingDim: 6, mlpDims: [9, 8], loraRank: 1, loraInit: 'slice', gatePenalty: [0.3] },
      sizes: { fields: 1, scenarios: 1, tasks: 1 },
    },
    {
      title: 'three tasks, deep scenario and task layers, gate penalties by task',
      options: { embeddingDim: 3, mlpDims: [9, 8, 7], scenarioLayers: 2, taskDims: [8, 6], gatePenalty: [0.1, 0, 0.4] },
      sizes: { fields: 3, scenarios: 2, tasks: 3 },
    },
    {
      title: 'dropout and one gate penalty for all tasks',
      options: { embeddingDim: 4, mlpDims: [9, 8, 8], taskDims: [7], dropout: 0.25, gatePenalty: 0.2 },
      sizes: { fields: 3, scenarios: 4, tasks: 2 },
    },
    {
      title: 'all flows removed',
      options: { embeddingDim: 4, mlpDims: [9, 9], selection: 'remove' },
      sizes: { fields: 4, scenarios: 3, tasks: 2 },
    },
    {
      title: 'no low-rank additions, deep task layers, all flows kept',
      options: { embeddingDim: 4, mlpDims: [9, 9], taskDims: [9], loraRank: 0, selection: 'keep', gatePenalty: 0.1 },
      sizes: { fields: 4, scenarios: 2, tasks: 1 }, // without additions two tasks differ by a number alone
    },
  ],
  scenarioOwner,
  anySizes: fc
    .record({
      embeddingDim: fc.integer({ min: 1, max: 4 }),
      shared: widths(1, 3),
      scenario: widths(1, 3),
      taskDims: widths(0, 3),
      loraRank: fc.integer({ min: 1, max: 3 }),
      fields: fc.integer({ min: 1, max: 4 }),
      scenarios: fc.integer({ min: 1, max: 4 }),
      tasks: fc.integer({ min: 1, max: 4 }),
    })
    .map(({ shared, scenario, fields, scenarios, tasks, ...options }) => ({
      options: { ...options, mlpDims: [...shared, ...scenario], scenarioLayers: scenario.length },
      sizes: { fields, scenarios, tasks },
    })),
};
