import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { TributaryError } from '../../src/base/errors/index.ts';
import { globPattern } from '../../src/parity/glob.ts';
import { formatRow, formatSummary, type ParityRow, runParity } from '../../src/parity/index.ts';
import type { StoredTensor } from '../../src/store/tensors.ts';
import { temporaryFolder } from '../store/temporary.ts';
import { type Content, copyFixture, FIXTURES, float, makeModelFixture } from './make.ts';
import type { Run, Sizes } from './reference.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

/** The row of the one fixture in the folder. */
async function onlyRow(): Promise<ParityRow> {
  const { rows, ok } = await runParity(folder);
  expect(rows).toHaveLength(1);
  expect(ok).toBe(rows[0].status === 'pass');
  return rows[0];
}

describe("the repository's fixtures", () => {
  test('agree', async () => {
    const { rows } = await runParity(FIXTURES, {
      only: '{models/autoifs/search*,models/autoifs/general*,models/autoifs/ticket,preparation/ml-1m-mini,rules/*}',
    });
    expect(rows.map(({ fixture, status }) => `${fixture} ${status}`)).toEqual(
      [
        'models/autoifs/general-search',
        'models/autoifs/general-ticket',
        'models/autoifs/search-temp1',
        'models/autoifs/search-temp10',
        'models/autoifs/ticket',
        'preparation/ml-1m-mini',
        'rules/metrics',
        'rules/numeric-bucket',
        'rules/random-split',
      ].map((name) => `${name} pass`),
    );
    for (const { worst } of rows) expect(worst).toBeLessThan(0.2);
  });

  test('agree under another name', async () => {
    copyFixture('models/autoifs/ticket', folder, 'what is this');
    expect(await onlyRow()).toMatchObject({ fixture: 'what is this', status: 'pass' });
  });
});

describe('fixtures of other sizes, from a float64 reference of its own', () => {
  const SMALL: Sizes = { rows: 11, vocab: [6, 9], dim: 3, scenarios: 2, tasks: 1, mlp: [7, 5, 4], rank: 1 };
  const WIDE: Sizes = { rows: 7, vocab: [4, 3, 5, 4], dim: 2, scenarios: 5, tasks: 3, mlp: [5, 6, 3], rank: 2 };
  const cases: [string, Sizes, Run][] = [
    ['one task, search', SMALL, { mode: 'search', temperature: 1, lambda: [0.3] }],
    ['one task, ticket', SMALL, { mode: 'ticket', temperature: 1, lambda: [0] }],
    ['three tasks, search', WIDE, { mode: 'search', temperature: 4, lambda: [0, 0.1, -0.2] }],
    ['three tasks, ticket', WIDE, { mode: 'ticket', temperature: 4, lambda: [0, 0.1, -0.2] }],
  ];

  test.each(cases)('%s', async (_, sizes, run) => {
    makeModelFixture(folder, 'made', sizes, run, 5);
    const row = await onlyRow();
    expect(row).toMatchObject({ status: 'pass' });
    expect(row.checks).toBeGreaterThan(80);
  });
});

describe('one wrong number', () => {
  const tensors = [
    'output.logits',
    'output.loss',
    'output.gate_logits',
    'output.flows',
    'grad.share_mlp.mlp.3.weight',
    'grad.gate_head1.bias',
    'grad.embedding.embedding',
    'adam3.T_lora_bias.0',
    'adam3.gate_embedding.embedding',
    'adam3_groups.D_bias.0',
    'adam3_groups.gate_head0.bias',
  ];
  test.each(tensors)('in %s is found there', async (name) => {
    copyFixture('models/autoifs/search-temp10', folder, 'changed', ({ tensors }) => {
      const data = float(tensors, name);
      // Where Adam is compared at all: an element with a gradient.
      const gradient = name.startsWith('adam3') ? float(tensors, name.replace(/^adam3(_groups)?/, 'grad')) : data;
      const at = Math.max(
        0,
        gradient.findIndex((value) => Math.abs(value) > 1e-3),
      );
      data[at] += 0.01;
    });
    const row = await onlyRow();
    expect(row).toMatchObject({ status: 'fail' });
    expect(row.worst).toBeGreaterThan(1);
    expect(row.where).toContain(name);
    expect(row.reason).toBeUndefined();
  });

  test('in a parameter', async () => {
    copyFixture('models/autoifs/search-temp1', folder, 'changed', ({ tensors }) => {
      float(tensors, 'param.D_kernels.0')[3] += 0.01;
    });
    expect((await onlyRow()).worst).toBeGreaterThan(1);
  });

  test('in a table row that the batch does not touch, where nothing may move', async () => {
    copyFixture('models/autoifs/general-search', folder, 'changed', ({ json, tensors }) => {
      const used = new Set((tensors.get('input.ids') as StoredTensor).data as Int32Array);
      const free = Array.from({ length: json.config.feat_num }, (_, row) => row).filter((row) => !used.has(row));
      float(tensors, 'adam3.embedding.embedding')[free[0] * json.config.dim] += 1e-6;
    });
    const row = await onlyRow();
    expect(row).toMatchObject({ status: 'fail', worst: Number.POSITIVE_INFINITY });
    expect(row.where).toContain('adam3.embedding.embedding untouched rows');
  });

  const claims: [string, (json: Content['json']) => void][] = [
    [
      'losses_before_each_adam3_step[2]',
      (json) => {
        json.losses_before_each_adam3_step[2] += 1e-3;
      },
    ],
    [
      'gate_rate',
      (json) => {
        json.gate_rate[1][2] += 1e-2;
      },
    ],
    [
      'smallest_abs_gate_logit',
      (json) => {
        json.smallest_abs_gate_logit *= 1.1;
      },
    ],
    [
      'grad.gate_hypernet',
      (json) => {
        json.temperature = 9;
      },
    ],
    [
      'grad.gate_hypernet',
      (json) => {
        json.reg_lambda = [0.05, 0.03];
      },
    ],
    [
      'adam3_groups',
      (json) => {
        json.optimiser_groups.weights.lr *= 2;
      },
    ],
    [
      'adam3_groups',
      (json) => {
        json.optimiser_groups.gates = null;
      },
    ],
  ];
  test.each(claims)('in the JSON file shows at %s', async (where, change) => {
    copyFixture('models/autoifs/search-temp10', folder, 'changed', ({ json }) => change(json));
    const row = await onlyRow();
    expect(row.worst).toBeGreaterThan(1);
    expect(row.where).toContain(where);
  });
});

describe('what is not understood fails', () => {
  const cases: [string, string, (content: Content) => void, RegExp][] = [
    [
      'an unknown model',
      'models/autoifs/ticket',
      ({ json }) => {
        json.model = 'AutoIFS 2';
      },
      /unknown model "AutoIFS 2"/,
    ],
    [
      'an unknown mode',
      'models/autoifs/ticket',
      ({ json }) => {
        json.mode = 'frozen';
      },
      /mode is "frozen", expected "search" or "ticket"/,
    ],
    [
      'an unknown entry of the configuration',
      'models/autoifs/ticket',
      ({ json }) => {
        json.config.leaky_slope = 0.1;
      },
      /leaky_slope/,
    ],
    [
      'an unknown number beside it',
      'models/autoifs/ticket',
      ({ json }) => {
        json.label_smoothing = 0.1;
      },
      /label_smoothing/,
    ],
    [
      'two values for one entry',
      'models/autoifs/ticket',
      ({ json }) => {
        json.config.reg_lambda = [1, 1];
      },
      /"reg_lambda" is \[1,1\].*\[0,0\] beside it/,
    ],
    [
      'no temperature',
      'models/autoifs/search-temp1',
      ({ json }) => void delete json.temperature,
      /no number for temperature/,
    ],
    ['no tolerance', 'models/autoifs/ticket', ({ json }) => void delete json.tolerance.grad, /no tolerance for grad/],
    [
      'an unknown condition',
      'models/autoifs/ticket',
      ({ json }) => {
        json.tolerance.adam3.where = 'where it fits';
      },
      /"where it fits"/,
    ],
    [
      'groups that are not given',
      'models/autoifs/ticket',
      ({ json }) => void delete json.optimiser_groups,
      /no optimiser_groups/,
    ],
    [
      'no gradient of a stranger',
      'models/autoifs/ticket',
      ({ json }) => void json.no_gradient.push('bias'),
      /no_gradient names bias/,
    ],
    [
      'a listed tensor that is missing',
      'models/autoifs/ticket',
      ({ tensors }) => void tensors.delete('grad.T_bias.0'),
      /grad.T_bias.0 is missing/,
    ],
    [
      'a missing tensor',
      'models/autoifs/ticket',
      ({ json, tensors }) => {
        delete json.tensors;
        tensors.delete('grad.T_bias.0');
      },
      /no tensor grad.T_bias.0/,
    ],
    [
      'a tensor too many',
      'models/autoifs/ticket',
      ({ json, tensors }) => {
        delete json.tensors;
        tensors.set('input.sequences', { dtype: 'F32', shape: [1], data: Float32Array.of(1) });
      },
      /not understood: input.sequences/,
    ],
    [
      'an unknown output',
      'models/autoifs/ticket',
      ({ json, tensors }) => {
        delete json.tensors;
        tensors.set('output.attention', { dtype: 'F32', shape: [1], data: Float32Array.of(1) });
      },
      /not understood: output.attention/,
    ],
    [
      'another shape',
      'models/autoifs/ticket',
      ({ json }) => {
        json.config.feat_num = 61;
      },
      /param.embedding.embedding has shape \[60,8\], expected \[61,8\]/,
    ],
    ['a file of no kind', 'rules/metrics', ({ json }) => void delete json.cases, /no known kind/],
    [
      'cases of no kind',
      'rules/metrics',
      ({ json }) => {
        json.cases = [{ a: 1 }];
      },
      /its cases are neither/,
    ],
    [
      'an unknown rule',
      'rules/numeric-bucket',
      ({ json }) => {
        json.rule = 'v > 3: sqrt(v)';
      },
      /unknown rule "v > 3/,
    ],
  ];
  test.each(cases)('%s', async (_, from, change, reason) => {
    copyFixture(from, folder, 'changed', change);
    const row = await onlyRow();
    expect(row.status).toBe('fail');
    expect(row.reason).toMatch(reason);
    expect(formatRow(row)).toMatch(/^fail {2}changed/);
  });

  test('damaged files, and numbers without a description', async () => {
    writeFileSync(join(folder, 'a.json'), '{"model":');
    copyFixture('models/autoifs/ticket', folder, 'b');
    rmSync(join(folder, 'b.json'));
    copyFixture('models/autoifs/ticket', folder, 'c');
    writeFileSync(join(folder, 'c.safetensors'), 'short');
    const { rows, ok } = await runParity(folder);
    expect(ok).toBe(false);
    expect(rows.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('JSON file cannot be read'),
      'b.safetensors has no b.json next to it',
      expect.stringContaining('not a whole safetensors file'),
    ]);
    expect(formatSummary(rows)).toBe('0 of 3 fixtures agree; not: a, b, c');
  });
});

describe('rules', () => {
  const wrong: [string, string, (json: Content['json']) => void][] = [
    [
      'bucket of 123.456',
      'rules/numeric-bucket',
      (json) => {
        json.cases.find(([v]: [number]) => v === 123.456)[1] = 24;
      },
    ],
    [
      'train of 57 rows, seed 2022',
      'rules/random-split',
      (json) => {
        json.cases[1].seed = 2022;
      },
    ],
    [
      'cases[1].auc',
      'rules/metrics',
      (json) => {
        json.cases[1].auc += 1e-9;
      },
    ],
    [
      'cases[2].logloss',
      'rules/metrics',
      (json) => {
        json.cases[2].logloss += 1e-9;
      },
    ],
  ];
  test.each(wrong)('%s', async (where, from, change) => {
    copyFixture(from, folder, 'changed', ({ json }) => change(json));
    const row = await onlyRow();
    expect(row.status).toBe('fail');
    expect(row.where).toContain(where);
  });

  test('cases of other sizes', async () => {
    // By hand: order 0..2 shuffled is told by the permutation alone, so only sizes that leave no choice are used.
    writeFileSync(
      join(folder, 'split.json'),
      JSON.stringify({ cases: [{ n: 1, seed: 9, ratio: [1, 0, 0], train: [0], valid: [], test: [] }] }),
    );
    // Of 2 x 3 pairs: 0.9 beats all three, 0.4 beats 0.1, ties 0.4, loses to 0.6: (3 + 1 + 0.5) / 6.
    writeFileSync(
      join(folder, 'auc.json'),
      JSON.stringify({ cases: [{ labels: [1, 1, 0, 0, 0], scores: [0.9, 0.4, 0.1, 0.4, 0.6], auc: 0.75 }] }),
    );
    writeFileSync(
      join(folder, 'bucket.json'),
      JSON.stringify({
        rule: 'v > 2: floor(ln(v)^2); otherwise truncate toward zero',
        cases: [
          [Math.E ** 3.1, 9],
          [-7.9, -7],
        ],
      }),
    );
    const { rows } = await runParity(folder);
    expect(rows.map(({ status }) => status)).toEqual(['pass', 'pass', 'pass']);
  });
});

test('raw files of no recipe, and no raw files', async () => {
  copyFixture('preparation/ml-1m-mini', folder, 'a');
  rmSync(join(folder, 'a', 'users.dat'));
  copyFixture('preparation/ml-1m-mini', folder, 'b');
  rmSync(join(folder, 'b'), { recursive: true });
  const { rows } = await runParity(folder);
  expect(rows.map(({ reason }) => reason)).toEqual([
    'no recipe for these files: movies.dat, ratings.dat',
    'it has no folder b/ of raw files',
  ]);
});

describe('choosing fixtures', () => {
  test.each([
    ['autoifs_*', 'autoifs_ticket', true],
    ['autoifs_*', 'my_autoifs_ticket', false],
    ['*.v?', 'a.v2', true],
    ['*.v?', 'abv2', false],
    ['{a,b*}', 'bcd', true],
    ['{a,b*}', 'ac', false],
    ['a,b', 'a,b', true],
    ['a,{b,c}', 'a,c', true],
    ['a,{b,c}', 'a', false],
    ['a+(b)', 'a+(b)', true],
  ])('%s against %s: %s', (glob, name, matches) => {
    expect(globPattern(glob).test(name)).toBe(matches);
  });

  test('of subfolders, where the folder itself has none', async () => {
    mkdirSync(join(folder, 'models/raw'), { recursive: true });
    copyFixture('rules/metrics', join(folder, 'models'), 'one');
    writeFileSync(join(folder, 'models/raw/table.json'), '{}');
    expect((await runParity(folder)).rows.map(({ fixture }) => fixture)).toEqual(['models/one']);
    copyFixture('rules/metrics', folder, 'two');
    expect((await runParity(folder)).rows.map(({ fixture }) => fixture)).toEqual(['two']);
  });

  test('by a pattern; none is an error, and so is no folder', async () => {
    copyFixture('rules/metrics', folder, 'one');
    copyFixture('rules/metrics', folder, 'two');
    expect((await runParity(folder, { only: 't*' })).rows.map(({ fixture }) => fixture)).toEqual(['two']);
    const code = (promise: Promise<unknown>) =>
      promise.then(
        () => undefined,
        (cause: TributaryError) => cause instanceof TributaryError && cause.code,
      );
    expect(await code(runParity(folder, { only: 'three' }))).toBe('PARITY_NO_FIXTURE');
    expect(await code(runParity(join(folder, 'nowhere')))).toBe('FILE_MISSING');
  });
});
