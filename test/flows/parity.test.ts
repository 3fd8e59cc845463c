import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runParity } from '../../src/parity/index.ts';
import { temporaryFolder } from '../store/temporary.ts';

const FIXTURES = 'test/fixtures/flows';

describe('fixtures of kind flow-covariance', () => {
  test('all agree: terms, likelihood and gradient, fit, verdicts', async () => {
    const { rows } = await runParity(FIXTURES);
    expect(rows.map(({ fixture, status, reason }) => ({ fixture, status, reason }))).toEqual(
      ['3x2', '3x2-funnel', '3x2-none', '3x2-overlap', '4x2-ids'].map((fixture) => ({ fixture, status: 'pass' })),
    );
  });

  test.each([
    ['an effect', ({ expected }: Fixture) => bump(expected.terms[0].y[0], 1e-3), 'f0 y'],
    ['the gradient', ({ expected }: Fixture) => bump(expected.likelihood.gradW[1], 1e-3), 'gradient of W'],
    ['a strength', ({ expected }: Fixture) => bump(expected.fit.W[0], 0.05), 'fit.W'],
    ['a verdict', ({ expected }: Fixture) => bump(expected.verdict.useless[3], 1), 'useless'],
    ['a row', ({ rows }: Fixture) => bump(rows.labels[5], rows.labels[5][0] === 1 ? -1 : 1), ''],
    ['an option', (fixture: Fixture) => Object.assign(fixture.options, { misfit: 0.2 }), ''],
  ])('%s that is wrong is found', async (_, change, where) => {
    const folder = temporaryFolder();
    const path = join(folder, 'case.json');
    copyFileSync(join(FIXTURES, '3x2.json'), path);
    const fixture = JSON.parse(readFileSync(path, 'utf8'));
    change(fixture);
    writeFileSync(path, JSON.stringify(fixture));
    const { rows, ok } = await runParity(folder);
    expect(ok).toBe(false);
    expect(rows[0].where).toContain(where);
  });

  test('an entry that is not understood fails the fixture', async () => {
    const folder = temporaryFolder();
    const fixture = JSON.parse(readFileSync(join(FIXTURES, '3x2-overlap.json'), 'utf8'));
    writeFileSync(join(folder, 'case.json'), JSON.stringify({ ...fixture, options: { ...fixture.options, more: 1 } }));
    const { rows } = await runParity(folder);
    expect(rows[0]).toMatchObject({ status: 'fail', reason: expect.stringContaining('more') });
  });
});

/** Changes the first number. */
function bump(numbers: number[], by: number): void {
  numbers[0] += by;
}

interface Fixture {
  rows: { labels: number[][] };
  options: { misfit: number };
  expected: {
    terms: { y: number[][] }[];
    likelihood: { gradW: number[][] };
    fit: { W: number[][] };
    verdict: { useless: number[][] };
  };
}
