import { expect, test } from 'vitest';
import { lineOf, readLine } from '../../src/events/line.ts';
import { compactOf, sentOf } from './compact.ts';
import { impression } from './examples.ts';

test('half of a character becomes U+FFFD, whole ones and what only looks like one stay', () => {
  const values = { a: 'x\ud83dy', b: '😀', c: '\\ud83d', d: '\\\\\udc00\ud800', e: '\\"\ud83d', '\ud800': 1 };
  const text = lineOf(impression(1, { values })).bytes.toString();
  expect(JSON.parse(text).values).toEqual({
    a: 'x\ufffdy',
    b: '😀',
    c: '\\ud83d',
    d: '\\\\\ufffd\ufffd',
    e: '\\"\ufffd',
    '\ufffd': 1,
  });
});

test('lines of event/2 and event/3 are read as the same impression', () => {
  const plain = impression(1);
  const [shown, unshown] = plain.items;
  const { values: _, ...without } = shown;
  const cases = [
    plain,
    impression(2, { items: [shown] }),
    impression(3, {
      items: [
        { ...shown, item_id: '44' },
        { ...shown, item_id: '1e+21', position: 2 },
      ],
    }),
    impression(4, { items: [without], values: undefined, sequences: { click: ['a', 2] } }),
    impression(5, {
      items: [
        { ...shown, values: {} },
        { ...unshown, values: {} },
      ],
    }),
    impression(6, {
      policy: { kind: 'interleave', method: 'team draft', seed: 's', teams: { A: 'a@1', B: 'b@1' } },
      items: [{ ...shown, team: 'A', shadow_score: 0.1, propensity: { marginal: 0.5, log_prefix: -0.5 } }],
    }),
  ];
  for (const event of cases) {
    const expected = JSON.parse(JSON.stringify(event));
    expect(readLine(JSON.stringify(compactOf(event)))).toEqual(expected);
    expect(readLine(JSON.stringify(event))).toEqual(expected);
    const sent = sentOf(event);
    if (sent !== undefined) expect(readLine(JSON.stringify(sent))).toEqual(expected);
  }
  expect(cases.map(sentOf).filter((line) => line !== undefined)).toHaveLength(5);
});

test('problems of lines name their place, or another version', () => {
  const compact = { ...compactOf(impression(1)) };
  expect(readLine(JSON.stringify({ ...compact, items: [{ id: 'a' }] }))).toEqual({
    problem: expect.stringMatching(/^items\.0\.score: /),
  });
  expect(readLine(JSON.stringify({ ...compact, kind: 'interaction' }))).toEqual({
    problem: expect.stringMatching(/^kind: /),
  });
  expect(readLine(JSON.stringify({ ...compact, schema: 'event/4' }))).toMatchObject({ version: 'event/4' });
});
