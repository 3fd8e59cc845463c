import fc from 'fast-check';
import { expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { auc, calibrationError, logloss, numberOf, sigmoid } from '../../src/evaluate/index.ts';
import { fitCell } from '../../src/export/calibrate/choose.ts';
import { fitIsotonic, type Labelled, poolAdjacentViolators } from '../../src/export/calibrate/isotonic.ts';
import { fitPlatt } from '../../src/export/calibrate/platt.ts';
import { calibrator } from '../../src/store/artifact/calibration.ts';

const labelled = (logits: number[], labels: number[]): Labelled => ({
  logits: Float32Array.from(logits),
  labels: Uint8Array.from(labels),
  weights: new Float32Array(labels.length).fill(1),
});

/** Rows whose true logits are `truth` of what the model says. */
function drawnRows(count: number, truth: (logit: number) => number, ...key: (string | number)[]): Labelled {
  const generator = random('calibration', ...key);
  const logits = Float32Array.from({ length: count }, () => 1.5 * generator.normal());
  const labels = Uint8Array.from(logits, (z) => Number(generator.uniform() < sigmoid(truth(z))));
  return { logits, labels, weights: new Float32Array(count).fill(1) };
}

/** The least squared error of all functions that never fall, by dynamic programming over the shares that blocks can have. */
function bestError({ logits, labels }: Labelled): number {
  const order = [...logits.keys()].sort((a, b) => logits[a] - logits[b]);
  const groups: number[][] = [];
  for (const i of order) {
    if (groups.length > 0 && logits[groups[groups.length - 1][0]] === logits[i]) groups[groups.length - 1].push(i);
    else groups.push([i]);
  }
  const shares = new Set<number>();
  for (let from = 0; from < groups.length; from++)
    for (let to = from + 1; to <= groups.length; to++) {
      const rows = groups.slice(from, to).flat();
      shares.add(rows.reduce((sum, i) => sum + labels[i], 0) / rows.length);
    }
  const values = [...shares].sort((a, b) => a - b);
  let best = values.map(() => 0); // least error of the groups so far, the last at most at this value
  for (const group of groups) {
    let least = Number.POSITIVE_INFINITY;
    best = values.map((value, v) => {
      least = Math.min(least, best[v] + group.reduce((sum, i) => sum + (labels[i] - value) ** 2, 0));
      return least;
    });
  }
  return best[best.length - 1];
}

const few = fc.array(fc.tuple(fc.integer({ min: -4, max: 4 }), fc.integer({ min: 0, max: 1 })), {
  minLength: 1,
  maxLength: 12,
});

test('pool adjacent violators finds the rising function with the least squared error', () => {
  const property = fc.property(few, (drawn) => {
    const rows = labelled(
      drawn.map(([z]) => z),
      drawn.map(([, y]) => y),
    );
    const blocks = poolAdjacentViolators(rows);
    expect(blocks.reduce((sum, block) => sum + block.rows, 0)).toBe(drawn.length);
    for (const [b, block] of blocks.entries()) if (b > 0) expect(block.y).toBeGreaterThan(blocks[b - 1].y);
    const error = blocks.reduce((sum, { y, rows }) => sum + rows * y * (1 - y), 0); // labels are 0 or 1
    expect(error).toBeCloseTo(bestError(rows), 9);
  });
  fc.assert(property, { numRuns: 300 });
});

test('isotonic calibration joins the blocks by rising lines and claims no certainty', () => {
  const rows = labelled([-2, -1, 0, 1, 2, 3], [0, 0, 1, 0, 1, 1]);
  const { x, y } = fitIsotonic(rows) as { x: number[]; y: number[] };
  expect(x).toEqual([-1.5, 0.5, 2.5]); // -2 and -1; 0 and 1 pooled; 2 and 3
  expect(y).toEqual([1 / 8, 1 / 2, 7 / 8]);
});

test('platt finds the line that the labels were drawn by', () => {
  const { scale, shift } = fitPlatt(drawnRows(200_000, (z) => 0.4 * z - 1, 'line')) as { scale: number; shift: number };
  expect(Math.abs(scale - 0.4)).toBeLessThan(0.02); // four standard errors
  expect(Math.abs(shift + 1)).toBeLessThan(0.02);
});

test('platt stays finite where a line separates the classes, and says no to a falling one', () => {
  const separated = fitPlatt(labelled([-2, -1, 1, 2], [0, 0, 1, 1])) as { scale: number };
  expect(separated.scale).toBeGreaterThan(0);
  expect(separated.scale).toBeLessThan(100);
  expect(fitPlatt(labelled([-2, -1, 1, 2], [1, 1, 0, 0]))).toBeUndefined();
});

const loss = (rows: Labelled, of: (logit: number) => number): [number | null, number | null] => {
  const probabilities = [...rows.logits].map(of);
  return [numberOf(logloss(probabilities, rows.labels)), numberOf(calibrationError(probabilities, rows.labels))];
};

test.each([
  ['an overconfident model', (z: number) => 0.5 * z - 0.7, 'platt'],
  ['a model that is bent', (z: number) => (z < 0 ? 0.2 * z - 2 : 2 * z - 2), 'isotonic'],
])('%s: log loss and calibration error fall on rows that the fit did not see', (title, truth, kind) => {
  const { calibration, logloss: held } = fitCell(drawnRows(20_000, truth, title), 'auto').cell;
  expect(calibration.kind).toBe(kind);
  expect(held[calibration.kind]).toBeLessThan(held.none as number);
  const test = drawnRows(20_000, truth, title, 'test');
  const before = loss(test, sigmoid);
  const calibrate = calibrator(calibration);
  const after = loss(test, (z) => calibrate(z, sigmoid(z)));
  expect(after[0]).toBeLessThan(before[0] as number);
  expect(after[1]).toBeLessThan((before[1] as number) / 3);
  const ranked = (of: (z: number) => number) => numberOf(auc([...test.logits].map(of), test.labels)) as number;
  expect(ranked((z) => calibrate(z, 0))).toBeGreaterThan(ranked((z) => z) - 0.001);
});

test('a calibrated model stays as it is: what is no better than chance is not taken', () => {
  const kinds = Array.from({ length: 10 }, (_, i) =>
    fitCell(
      drawnRows(2000, (z) => z, 'calibrated', i),
      'auto',
    ),
  );
  expect(kinds.filter(({ cell }) => cell.calibration.kind === 'none').length).toBeGreaterThanOrEqual(7);
});

test('few rows of a class, and logits that are no numbers, stay uncalibrated and say so', () => {
  const few = labelled(
    Array.from({ length: 500 }, (_, i) => i / 100),
    Array.from({ length: 500 }, (_, i) => Number(i < 49)),
  );
  expect(fitCell(few, 'isotonic').cell.calibration).toEqual({
    kind: 'none',
    reason: '49 validation rows of one class: at least 50 of each are needed',
  });
  const rows = drawnRows(500, (z) => z, 'broken');
  rows.logits[3] = Number.NaN;
  expect(fitCell(rows, 'auto').cell.calibration).toEqual({ kind: 'none', reason: 'some logits are not finite' });
});

test('rows of one class, or classes alike at every logit, give no rising line, whatever the rounding', () => {
  const onlyPositives = { logits: [1, 0.75, 1.25, -1], labels: [1, 1, 1, 1], weights: [3, 1, 1, 2] };
  const alike = { logits: [-1, -1, 2, 2, 0.3, 0.3], labels: [0, 1, 0, 1, 0, 1], weights: [1, 1, 3, 3, 2, 2] };
  for (const { logits, labels, weights } of [onlyPositives, alike]) {
    const copies = weights.flatMap((w, i) => new Array<number>(w).fill(i));
    const repeated = labelled(
      copies.map((i) => logits[i]),
      copies.map((i) => labels[i]),
    );
    expect(fitPlatt({ ...labelled(logits, labels), weights: Float32Array.from(weights) })).toBeUndefined();
    expect(fitPlatt(repeated)).toBeUndefined();
  }
});

test('a row of weight w counts as w copies of it', () => {
  const property = fc.property(
    fc.array(
      fc.record({ z: fc.integer({ min: -8, max: 8 }), y: fc.nat({ max: 1 }), w: fc.integer({ min: 1, max: 4 }) }),
      { minLength: 4, maxLength: 30 },
    ),
    (drawn) => {
      const copies = drawn.flatMap((one) => new Array<typeof one>(one.w).fill(one));
      const of = (rows: typeof drawn): Labelled =>
        labelled(
          rows.map(({ z }) => z / 4),
          rows.map(({ y }) => y),
        );
      const weighed = { ...of(drawn), weights: Float32Array.from(drawn, ({ w }) => w) };
      for (const method of [fitIsotonic, fitPlatt]) {
        const [one, other] = [method(weighed), method(of(copies))];
        expect(one === undefined).toBe(other === undefined);
        if (one === undefined || other === undefined) continue;
        for (const z of [-2, -0.3, 0, 0.8, 2]) expect(calibrator(one)(z, 0)).toBeCloseTo(calibrator(other)(z, 0), 5);
      }
    },
  );
  fc.assert(property, { numRuns: 100 });
});

test.each(['platt', 'isotonic', 'auto'] as const)(
  '%s: sampled negatives with their weights give the rates of all rows',
  (choice) => {
    const rate = 0.1;
    const truth = (z: number): number => z - 3;
    const all = drawnRows(60_000, truth, 'sampled');
    const drawn = random('sampled negatives');
    const kept = [...all.labels.keys()].filter((i) => all.labels[i] === 1 || drawn.uniform() < rate);
    const sampled: Labelled = {
      logits: Float32Array.from(kept, (i) => all.logits[i]), // a model that ranks well and knows no rates
      labels: Uint8Array.from(kept, (i) => all.labels[i]),
      weights: Float32Array.from(kept, (i) => (all.labels[i] === 1 ? 1 : 1 / rate)),
    };
    const { calibration, rows } = fitCell(sampled, choice).cell;
    expect(rows).toBe(kept.length); // the report counts rows as they are
    const calibrate = calibrator(calibration);
    const fresh = drawnRows(60_000, truth, 'sampled', 'fresh');
    const after = loss(fresh, (z) => calibrate(z, sigmoid(z)));
    const known = loss(fresh, (z) => sigmoid(truth(z)));
    expect(after[0] as number).toBeLessThan((known[0] as number) + 0.001);
    expect(after[1]).toBeLessThan(0.006);
    const without = calibrator(
      fitCell({ ...sampled, weights: new Float32Array(kept.length).fill(1) }, choice).cell.calibration,
    );
    expect(loss(fresh, (z) => without(z, sigmoid(z)))[1]).toBeGreaterThan(0.1); // too high by about the sampling
  },
);
