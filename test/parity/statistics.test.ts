/** Fixtures of statistics: ours pass, wrong numbers are found, and what is not known is an error. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ParityRow, runParity } from '../../src/parity/index.ts';
import { temporaryFolder } from '../store/temporary.ts';

const FOLDER = 'test/fixtures/experiments';

// biome-ignore lint/suspicious/noExplicitAny: tests reach into JSON of any form
type Case = Record<string, any>;
const cases = (): Record<string, Case> => JSON.parse(readFileSync(join(FOLDER, 'statistics.json'), 'utf8')).cases;

async function rowOf(content: object): Promise<ParityRow> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'made.json'), JSON.stringify(content));
  return (await runParity(folder)).rows[0];
}

/** The row of one case after a change. */
function changed(name: string, change: (one: Case) => void): Promise<ParityRow> {
  const one = cases()[name];
  change(one);
  return rowOf({ kind: 'statistics', cases: { [name]: one } });
}

/** The row of a case that is made here. */
const made = (kind: string, input: unknown, expected: unknown, tolerance = 1e-9): Promise<ParityRow> =>
  rowOf({ kind: 'statistics', cases: { made: { kind, input, expected, tolerance } } });

test('all cases of the repository pass', async () => {
  const { rows } = await runParity(FOLDER);
  expect(rows).toMatchObject([{ fixture: 'statistics', status: 'pass' }]);
  expect(rows[0].checks).toBeGreaterThan(Object.keys(cases()).length);
});

/** Changes the first number found, by so much that no tolerance covers it. */
function disturb(value: unknown): unknown {
  if (typeof value === 'number') return value + Math.max(0.01, 0.1 * Math.abs(value));
  if (value === null) return 1;
  if (Array.isArray(value)) return [disturb(value[0]), ...value.slice(1)];
  const [[key, first], ...rest] = Object.entries(value as object);
  return Object.fromEntries([[key, disturb(first)], ...rest]);
}

test.each(Object.keys(cases()))('a wrong number of %s is found', async (name) => {
  const row = await changed(name, (one) => {
    one.expected = disturb(one.expected);
  });
  expect(row).toMatchObject({ status: 'fail' });
  expect(row.worst).toBeGreaterThan(1);
  expect(row.where).toContain(name);
});

test.each(Object.keys(cases()))('an unknown entry in the input of %s is refused', async (name) => {
  const row = await changed(name, (one) => {
    one.input.surprise = 1;
  });
  expect(row.reason).toContain(`${name}: `);
  expect(row.reason).toContain('surprise');
});

describe('what is not understood', () => {
  test.each<[string, (one: Case) => void, string]>([
    [
      'an unknown kind',
      (one) => {
        one.kind = 'welsh';
      },
      'welch_absolute: unknown kind "welsh", known are welch, ratio',
    ],
    [
      'an unknown expected entry',
      (one) => {
        one.expected.power = 1;
      },
      'welch_absolute: nothing is known of the expected "power"',
    ],
    [
      'a number next to input and expected',
      (one) => {
        one.alpha = 0.1;
      },
      'alpha',
    ],
    ['no tolerance', (one) => void delete one.tolerance, 'tolerance'],
    ['a missing input', (one) => void delete one.input.a.n, 'at a.n'],
  ])('%s', async (_, change, reason) => {
    const row = await changed('welch_absolute', change);
    expect(row.status).toBe('fail');
    expect(row.reason).toContain(reason);
  });

  test('an entry of the file, and cases that are a list', async () => {
    const all = { kind: 'statistics', cases: { holm: cases().holm } };
    expect((await rowOf({ ...all, rounds: 3 })).reason).toBe('not understood: "rounds"');
    expect((await rowOf({ ...all, source: 'a note' })).status).toBe('pass');
    expect((await rowOf({ kind: 'statistics', cases: [] })).reason).toContain('no object of named cases');
  });

  test('one case that is not understood leaves the others checked', async () => {
    const { holm, srm_135_115: srm } = cases();
    const row = await rowOf({ kind: 'statistics', cases: { odd: { ...holm, kind: 'odd' }, srm } });
    expect(row.checks).toBe(2);
    expect(row.reason).toContain('odd: unknown kind');
  });
});

describe('options of kinds, from other sources', () => {
  test('small p of SRM are compared relatively: 1 - cdf would give 0', async () => {
    const input = { counts: [510_000, 500_000], weights: [1, 1] };
    expect((await made('srm', input, { p: 0 })).status).toBe('fail');
    // exp(-x / 2) is the tail with two degrees of freedom.
    const three = { counts: [1300, 1000, 1000], weights: [1, 1, 1] };
    const chi2 = (200 ** 2 + 2 * 100 ** 2) / 1100;
    expect((await made('srm', three, { chi2, p: Math.exp(-chi2 / 2) })).status).toBe('pass');
  });

  test('absolute and one-sided sequences, other levels', async () => {
    const { input, expected } = cases().sequential_two_sided;
    const { relative: _, ...absolute } = input;
    const scale = input.a.sum / input.a.n;
    expect(
      (await made('sequential', { ...absolute, sides: 2 }, { estimate: expected.estimate * scale, rho: expected.rho }))
        .status,
    ).toBe('pass');
    expect((await made('sequential', { ...input, alpha: 0.01 }, { estimate: expected.estimate })).status).toBe('pass');
    expect((await made('sequential', { ...input, sides: 3 }, { estimate: 0 })).reason).toContain('sides');
  });

  test('Pocock spending, and spending with a parameter', async () => {
    const t = [0.25, 0.5, 0.75, 1];
    const spending = (name: string, phi?: number) => ({ t, alpha: 0.05, sides: 2, spending: name, phi });
    const pocock = t.map((share) => 0.05 * Math.log(1 + (Math.E - 1) * share));
    expect((await made('lan-demets', spending('Pocock'), { cumulativeAlpha: pocock })).status).toBe('pass');
    expect(
      (await made('lan-demets', spending('power', 2), { cumulativeAlpha: t.map((x) => 0.05 * x ** 2) })).status,
    ).toBe('pass');
    expect((await made('lan-demets', spending('power'), { z: [] })).reason).toContain('spending power needs phi');
    expect((await made('lan-demets', spending('Pocock', 1), { z: [] })).reason).toContain('spending Pocock has no phi');
  });

  test('estimators with other parameters in their names', async () => {
    const { input } = cases().toy_bandit;
    const { ips, dm, dr } = cases().toy_bandit.expected;
    const expected = { switchDr_1000: dr, switchDr_0: dm, clip1000Ips: ips };
    expect((await made('replay-bandit', input, expected)).status).toBe('pass');
    expect((await made('replay-bandit', input, { switchDr_x: 0 })).reason).toContain('"switchDr_x"');
  });

  test('negative ranks as credits, lists of names, unknown hash versions, no limit of age', async () => {
    const lists = [
      ['a', 'b'],
      ['b', 'a'],
    ];
    expect(
      (await made('optimized-interleaving', { lists, rankings: lists, credit: 'negative rank' }, [0.5, 0.5])).status,
    ).toBe('pass');
    expect(
      (await made('optimized-interleaving', { lists, rankings: lists, credit: 'linear' }, [0.5, 0.5])).reason,
    ).toContain('credit "linear"');
    expect((await made('team-draft', { lists, length: 1 }, { a: 0.5, b: 0.5 })).status).toBe('pass');
    expect((await made('team-draft', { lists, length: 1 }, { a: 0.5 })).status).toBe('fail');
    expect((await made('bucket-hash', { cases: [{ seed: 's', value: 'v', version: 9 }] }, [null])).status).toBe('pass');
    const rows = [['u', '2026-12-01T00:00:00Z']];
    const features = [['u', '2020-01-01T00:00:00Z', 'old']];
    expect((await made('as-of-join', { rows, features }, ['old'])).status).toBe('pass');
    expect((await made('as-of-join', { rows, features, ttlMinutes: 60 }, [null])).status).toBe('pass');
  });
});
