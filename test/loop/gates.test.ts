import { describe, expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { loopSchema } from '../../src/config/loop.ts';
import type { Judgement, Round } from '../../src/documents/loop/round.ts';
import { auc, numberOf } from '../../src/evaluate/index.ts';
import { compareAuc } from '../../src/loop/gates/auc.ts';
import { checkGates } from '../../src/loop/gates/gates.ts';
import { roundsText, roundText } from '../../src/report/loop/round.ts';
import type { TestRows } from '../../src/study/compare/test-rows.ts';

const RULE = loopSchema.parse({ log: 'events', join: 'join.yaml', folder: 'loop', run: 'runs/a' }).gates;

type Measured = Omit<Judgement, 'gates'>;

const difference = (value: number, half = 0.002) => ({ value, low: value - half, high: value + half });
const cell = (value: number, half?: number): Measured['cells'][number] => ({
  scenario: 'feed',
  task: 'click',
  positives: 100,
  negatives: 300,
  auc: { serving: 0.7, next: 0.7 + value, difference: difference(value, half) },
});

const GOOD: Measured = {
  rows: 400,
  units: 90,
  auc: { serving: 0.7, next: 0.701, difference: difference(0.001) },
  cells: [cell(0.001)],
  calibrationError: { serving: 0.02, next: 0.03 },
  drift: { item: 0.2 },
  requests: { tried: 100, failing: 0 },
};

const failing = (measured: Measured, rule = RULE): string[] =>
  checkGates(measured, rule)
    .filter(({ passed }) => !passed)
    .map(({ gate }) => gate);

describe('gates', () => {
  test('a model that is not worse passes them all', () => expect(failing(GOOD)).toEqual([]));

  const cases: [string, Partial<Measured>, string[]][] = [
    [
      'a mean that may be lower by more than the margin',
      { auc: { serving: 0.7, next: 0.697, difference: difference(-0.004) } },
      ['mean AUC'],
    ],
    [
      'a mean that is known too badly',
      { auc: { serving: 0.7, next: 0.705, difference: difference(0.005, 0.02) } },
      ['mean AUC'],
    ],
    ['a mean without an interval', { auc: { serving: 0.7, next: 0.7, difference: null } }, ['mean AUC']],
    ['a cell that has lost', { cells: [cell(0.001), cell(-0.03)] }, ['cells']],
    ['a cell that may have lost, or not', { cells: [cell(-0.03, 0.02)] }, []],
    [
      'no cell with enough labels',
      { auc: { serving: null, next: null, difference: null }, cells: [{ ...cell(0), auc: null }] },
      ['labels'],
    ],
    [
      'probabilities that are worse calibrated than allowed',
      { calibrationError: { serving: 0.02, next: 0.06 } },
      ['calibration'],
    ],
    [
      'probabilities that are badly calibrated, but better than before',
      { calibrationError: { serving: 0.2, next: 0.1 } },
      [],
    ],
    ['probabilities that cannot be measured', { calibrationError: { serving: 0.02, next: null } }, ['calibration']],
    ['a field that is another one now', { drift: { item: 0.2, city: 3 } }, ['drift']],
    ['answers that cannot be repeated', { requests: { tried: 100, failing: 1 } }, ['requests']],
  ];
  test.each(cases)('%s', (_, change, expected) => expect(failing({ ...GOOD, ...change })).toEqual(expected));

  test('a field may be excepted from drift', () =>
    expect(failing({ ...GOOD, drift: { date: 9 } }, { ...RULE, driftExcept: ['date'] })).toEqual([]));

  test('a record says why, with figures', () => {
    const judged = { ...GOOD, gates: checkGates({ ...GOOD, drift: { city: 3 } }, RULE) };
    const round: Round = {
      schema: 'loop-round/1',
      round: 2,
      day: '2026-11-30',
      from: '2026-11-20',
      serving: { run: 'runs/a', artifact: 'artifacts/a' },
      joined: { rows: 1000, impressions: 100, positives: { click: 90 } },
      prepared: { hash: 'x', train: 500, validation: 50, test: 400 },
      judged,
      decision: { kind: 'refused', sentence: 'drift', at: '2026-12-01T03:00:00.000Z' },
    };
    const text = roundText(round);
    expect(text).toContain('round 2: the model of 2026-11-30 is refused: the old model stays');
    expect(text).toContain(
      'FAILS  drift: the values of city drift most: population stability index 3.0000, at most 1 is allowed',
    );
    expect(text).toContain('500 trained (from 2026-11-20), 400 of 2026-11-30 judged');
    expect(roundsText([round])).toMatch(/2\s+2026-11-30\s+500\s+0\.7000\s+0\.7010\s+refused\s+drift/);
  });
});

test('AUC of both models in each cell, and the interval of the mean difference over units', () => {
  const generator = random('loop auc');
  const n = 600;
  const labels = Uint8Array.from({ length: n }, () => Number(generator.uniform() < 0.3));
  const noise = (scale: number) => Float32Array.from(labels, (label) => label + scale * generator.normal());
  const [worse, better] = [noise(3), noise(0.8)];
  const rows: TestRows = {
    cells: [0, 1].map((scenario) => ({
      scenario,
      task: 0,
      rows: Int32Array.from({ length: n / 2 }, (_, i) => 2 * i + scenario),
      labels: labels.filter((_, i) => i % 2 === scenario),
      groups: Int32Array.from({ length: n / 2 }, (_, i) => i % 100),
    })),
    groups: { of: 'group', count: 100 },
  };
  const names = { scenarios: ['a', 'b'], tasks: ['click'] };
  const logits = { serving: { tasks: ['click'], logits: worse }, next: { tasks: ['click'], logits: better } };
  const found = compareAuc(rows, names, logits, { minPositives: 20, resamples: 300 });
  const of = (scores: Float32Array, scenario: number): number => {
    const own = <A extends Float32Array | Uint8Array>(values: A) => values.filter((_, i) => i % 2 === scenario);
    return numberOf(auc(own(scores), own(labels))) as number;
  };
  found.cells.forEach(({ auc: own }, s) => {
    expect(own?.serving).toBeCloseTo(of(worse, s), 12);
    expect(own?.next).toBeCloseTo(of(better, s), 12);
  });
  const { difference } = found.auc;
  expect(difference?.value).toBeCloseTo((of(better, 0) + of(better, 1) - of(worse, 0) - of(worse, 1)) / 2, 12);
  expect(difference?.low).toBeGreaterThan(0);
  // A task that the model that serves does not have is not judged.
  const unknown = { ...logits, serving: { tasks: ['like'], logits: worse } };
  expect(compareAuc(rows, names, unknown, { minPositives: 20, resamples: 300 }).cells.map((one) => one.auc)).toEqual([
    null,
    null,
  ]);
});
