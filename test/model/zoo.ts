/** What the contract cases of several models share. */

import fc from 'fast-check';
import { networkOf } from '../../src/model/network.ts';
import type { Owner } from './contract.ts';

/** Sizes of data, ones among them. */
export const smallSizes = fc.record({
  fields: fc.integer({ min: 1, max: 4 }),
  scenarios: fc.integer({ min: 1, max: 4 }),
  tasks: fc.integer({ min: 1, max: 4 }),
});

export const smallWidths = (minLength: number, maxLength: number) =>
  fc.array(fc.integer({ min: 1, max: 5 }), { minLength, maxLength });

/**
 * Product heads: in each stack of these parts head t*S + s belongs to scenario s, with all its members where it has several
 * (they lie together); so does member s of a stack [S, ...].
 */
export const ownHead =
  (parts: readonly string[]): Owner =>
  ({ model, options, sizes }, parameter, index) => {
    if (!parts.some((part) => parameter === part || parameter.startsWith(`${part}.`))) return undefined;
    const [members, ...shape] =
      networkOf(model, options, sizes).parameters.find(({ name }) => name === parameter)?.shape ?? [];
    const member = Math.floor(index / shape.reduce((product, n) => product * n, 1));
    const perHead = Math.max(1, members / (sizes.tasks * sizes.scenarios));
    return Math.floor(member / perHead) % sizes.scenarios;
  };
