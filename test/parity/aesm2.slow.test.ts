/** AESM²'s fixtures, and what their descriptions claim of selections: one wrong number is found at its place. */
import { beforeEach, describe, expect, test } from 'vitest';
import { runParity } from '../../src/parity/index.ts';
import { temporaryFolder } from '../store/temporary.ts';
import { type Content, copyFixture, FIXTURES } from './make.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

test('all agree', async () => {
  const { rows } = await runParity(FIXTURES, { only: 'models/aesm2/*' });
  expect(rows.map(({ status }) => status)).toEqual(new Array(9).fill('pass'));
  for (const { worst } of rows) expect(worst).toBeLessThan(0.2);
});

type Change = (content: Content) => void;

describe('one change is found', () => {
  const cases: [string, string, string, Change][] = [
    [
      'a count of selections',
      'models/aesm2/eval',
      'selection_count_histogram_0_1_2 task.0.1.selection_count',
      ({ json }) => json.selection_count_histogram_0_1_2['task.0.1.selection_count'].reverse(),
    ],
    [
      'a count of an output that nobody has',
      'models/aesm2/eval',
      'selection_count_histogram_0_1_2 task.9.selection_count',
      ({ json }) => Object.assign(json.selection_count_histogram_0_1_2, { 'task.9.selection_count': [1, 0, 0] }),
    ],
    [
      'rows that an expert not selected wins',
      'models/aesm2/official-eval',
      'rows_where_an_unselected_expert_wins scenario.0.1',
      ({ json }) => Object.assign(json.rows_where_an_unselected_expert_wins, { 'scenario.0.1': 53 }),
    ],
    [
      'the smallest margin',
      'models/aesm2/tree-eval',
      'smallest_selection_margin',
      ({ json }) => Object.assign(json, { smallest_selection_margin: json.smallest_selection_margin + 2e-5 }),
    ],
    [
      'the deviation of noise',
      'models/aesm2/train-noise',
      'noise_std',
      ({ json }) => Object.assign(json, { noise_std: 0.5 }),
    ],
    [
      'one chosen expert',
      'models/aesm2/eval',
      'output.scenario.0.0.specific_index[7]',
      ({ tensors }) => {
        const indices = tensors.get('output.scenario.0.0.specific_index')?.data as Int32Array;
        indices[7] = (indices[7] + 1) % 6;
      },
    ],
    [
      'another mask',
      'models/aesm2/eval',
      'selection_count',
      ({ json }) => Object.assign(json.config, { mask_mode: 'multiply' }),
    ],
    [
      'noise in the mixture, too',
      'models/aesm2/train-noise',
      'selection_count',
      ({ json }) => Object.assign(json.config, { noise_scope: 'all' }),
    ],
    [
      'the weight of a KL loss',
      'models/aesm2/plain-train',
      'grad.',
      ({ json }) => Object.assign(json.config, { lambda_shared: 0.2 }),
    ],
    [
      'what moving averages keep',
      'models/aesm2/tree-train',
      'buffer_after.',
      ({ json }) => Object.assign(json.config, { bn_decay: 0.9 }),
    ],
  ];
  test.each(cases)('%s', async (_, from, where, change) => {
    copyFixture(from, folder, 'changed', change);
    const { rows } = await runParity(folder);
    expect(rows[0]).toMatchObject({ status: 'fail' });
    expect(rows[0].reason).toBeUndefined();
    expect(rows[0].where).toContain(where);
  });
});

describe('what is not understood fails', () => {
  const cases: [string, Change, RegExp][] = [
    ['a level without layers', ({ json }) => json.config.scenario_layers.pop(), /one entry for each level/],
    [
      'more chosen experts than there are',
      ({ json }) => Object.assign(json.config.task_layers, { topk_sh: 7 }),
      /no more chosen experts than there are/,
    ],
    ['an unknown norm', ({ json }) => Object.assign(json.config, { gate_norm: 'layer' }), /gate_norm/],
    ['an unknown claim', ({ json }) => Object.assign(json, { selection_entropy: 0.3 }), /selection_entropy/],
  ];
  test.each(cases)('%s', async (_, change, reason) => {
    copyFixture('models/aesm2/tree-eval', folder, 'changed', change);
    const { rows } = await runParity(folder);
    expect(rows[0].reason).toMatch(reason);
  });
});
