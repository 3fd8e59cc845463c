/** The most frequent ids of a field are those that sorting all of them would give. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RESERVED_IDS } from '../../../src/data/encode/ids.ts';
import { frequentIds } from '../../../src/data/prepared/count-ids.ts';

test('the most frequent ids, of equally frequent ones the lower', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 120 }), fc.integer({ min: 1, max: 20 }), (numbers, most) => {
      const counts = Float64Array.from(numbers);
      const sorted = numbers
        .map((count, id) => ({ count, id }))
        .slice(RESERVED_IDS)
        .sort((a, b) => b.count - a.count || a.id - b.id);
      expect(frequentIds(counts, most)).toEqual(sorted.slice(0, most).map(({ id }) => id));
    }),
  );
});
