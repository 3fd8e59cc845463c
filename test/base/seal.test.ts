import { expect, test } from 'vitest';
import { parseJson } from '../../src/base/json.ts';
import { seal, unseal } from '../../src/base/seal.ts';

const VALUE = { name: 'a', list: [1, { deep: [] }], text: '},"checksum":"' };

test.each([undefined, 1, 2])('what is sealed with the indent %s comes back, and every changed byte shows', (indent) => {
  const text = seal(VALUE, indent);
  expect(JSON.parse(text)).toEqual({ ...VALUE, checksum: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(unseal(text)).toEqual({ value: VALUE });
  for (let at = 0; at < text.length; at++) {
    const damaged = Buffer.from(text);
    damaged[at] ^= 1;
    expect(unseal(damaged.toString()), `byte ${at}`).not.toHaveProperty('value');
    expect(unseal(text.slice(0, at)), `cut at ${at}`).not.toHaveProperty('value');
  }
});

test('JSON is read to a depth at which all that walks it may recurse', () => {
  const nested = (levels: number): string => `${'[{"a":'.repeat(levels / 2)}1${'}]'.repeat(levels / 2)}`;
  expect(parseJson(nested(100))).toEqual(JSON.parse(nested(100)));
  expect(() => parseJson(nested(102))).toThrow(SyntaxError);
  expect(() => parseJson('['.repeat(10_000_000))).toThrow(SyntaxError);
  expect(parseJson(`"${'['.repeat(200)}\\"${'['.repeat(200)}"`)).toHaveLength(401); // brackets in strings do not count
});
