import { expect, test } from 'vitest';
import type { GateResult, Round } from '../../src/documents/loop/round.ts';
import { loopFinding } from '../../src/report/loop/round.ts';

type Kind = NonNullable<Round['decision']>['kind'];

/** Of a day each, from 1 November on. */
const roundsOf = (decided: (readonly [Kind | undefined, ...GateResult['gate'][]])[]): Round[] =>
  decided.map(([kind, ...failing], i) => ({
    schema: 'loop-round/1',
    round: i + 1,
    day: `2026-11-0${i + 1}`,
    from: null,
    serving: { run: 'r', artifact: 'a' },
    joined: { rows: 1, impressions: 1, positives: {} },
    judged: {
      rows: 1,
      units: 1,
      auc: { serving: 0.5, next: 0.5, difference: null },
      cells: [],
      calibrationError: { serving: 0, next: 0 },
      drift: {},
      requests: { tried: 0, failing: 0 },
      gates: failing.map((gate) => ({ gate, passed: false, sentence: '' })),
    },
    ...(kind && { decision: { kind, sentence: '', at: `2026-11-0${i + 2}T03:00:00Z` } }),
  }));

test.each([
  [roundsOf([['loaded']]), 'Of 1 round 1 loaded; the model of round 1 serves since 2026-11-02.'],
  [
    roundsOf([
      ['loaded'],
      ['refused', 'calibration'],
      ['refused', 'calibration', 'cells'],
      ['loaded'],
      ['abandoned'],
      [undefined],
    ]),
    'Of 6 rounds 2 loaded, 2 refused (calibration 2 times, cells), 1 given up, 1 not decided yet; the model of round 4 serves since 2026-11-05.',
  ],
  [roundsOf([['ready'], ['refused']]), 'Of 2 rounds 1 ready to be served, 1 refused.'],
])('what happened over all rounds %#', (rounds, sentence) => {
  expect(loopFinding(rounds)).toBe(sentence);
});
