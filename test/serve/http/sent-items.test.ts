import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scanBody } from '../../../src/serve/http/scan.ts';
import { sentItems } from '../../../src/serve/http/sent-items.ts';

const limits = { depth: 64, values: 1e6, names: 1e4 };

/** The items of a body, as the log may keep them. */
function kept(text: string): { text: string; names: number } | undefined {
  const body = Buffer.from(text);
  const sent = sentItems(body, scanBody(body, limits));
  return sent && { text: Buffer.from(sent.bytes).toString(), names: sent.names };
}

test('items that are kept as they came are those that are parsed, in one line', () => {
  const name = fc.oneof({ weight: 9, arbitrary: fc.stringMatching(/^\w*$/) }, fc.string());
  const decimal = fc.integer({ min: -1e6, max: 1e6 }).map((n) => n / 1000);
  const scalar = fc.oneof(name, decimal, fc.integer(), fc.constantFrom('é😀', 1e-6, 1e21, -0.5, 20, null, true));
  const item = fc.dictionary(name, fc.oneof(scalar, fc.array(scalar, { maxLength: 3 })), { maxKeys: 4 });
  const others = fc.dictionary(fc.constantFrom('user', 'items ', 'context'), fc.oneof(item, scalar), { maxKeys: 2 });
  let count = 0;
  fc.assert(
    fc.property(others, fc.array(item), others, fc.constantFrom(undefined, 1, '\t'), (before, items, after, indent) => {
      const text = JSON.stringify({ ...before, items, ...after }, null, indent);
      const found = kept(text);
      if (found === undefined) return;
      count++;
      expect(JSON.stringify(JSON.parse(found.text))).toBe(found.text);
      expect(JSON.parse(found.text)).toEqual(JSON.parse(text).items);
      expect(found.names).toBe(items.reduce((sum, one) => sum + Object.keys(one).length, 0));
    }),
    { numRuns: 300 },
  );
  expect(count).toBeGreaterThan(30);
});

test('spaces stay; line breaks, escapes and numbers in other writings are written again', () => {
  expect(kept('{"items": [ {"id" : 1, "a":\t0.05}, {"id":2,"id":3} ] , "user":{"items":[4]}}')).toEqual({
    text: '[ {"id" : 1, "a":\t0.05}, {"id":2,"id":3} ]',
    names: 4,
  });
  expect(kept('{"items":[{"id":1}],"items":[{"id":2,"b":[1,-3.25]}]}')).toEqual({
    text: '[{"id":2,"b":[1,-3.25]}]',
    names: 2,
  });
  for (const value of [
    '1.0',
    '1e2',
    '1E2',
    '-0',
    '0.10',
    '0.0000001',
    '12345678901234567',
    '"\\u0041"',
    '"\\n"',
    '\n1',
    '\r1',
  ])
    expect(kept(`{"items":[{"id":1,"a":${value}}]}`), value).toBeUndefined();
  for (const body of [
    '{"user":{"items":[1]}}',
    '[{"items":[1]}]',
    '{"items":{"id":[1]}}',
    '{"items":1}',
    '{"\\u0069tems":[1]}',
  ])
    expect(kept(body)?.text.startsWith('['), body).not.toBe(true);
  expect(kept(`{"items":[${' '.repeat(1 << 20)}]}`)).toBeUndefined();
});
