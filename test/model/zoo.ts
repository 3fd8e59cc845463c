/** What the contract cases of several models share. */
import fc from 'fast-check';
import type { Owner } from './contract.ts';

/** Sizes of data, ones among them. */
export const smallSizes = fc.record({
  fields: fc.integer({ min: 1, max: 4 }),
  scenarios: fc.integer({ min: 1, max: 4 }),
  tasks: fc.integer({ min: 1, max: 4 }),
});

export const smallWidths = (minLength: number, maxLength: number) =>
  fc.array(fc.integer({ min: 1, max: 5 }), { minLength, maxLength });

/** Product heads: head t*S + s of each stack [H, ...] of these parts belongs to scenario s; so does member s of a stack [S, ...]. */
export const ownHead =
  (parts: readonly string[]): Owner =>
  ({ model, options, sizes }, parameter, index) => {
    if (!parts.some((part) => parameter === part || parameter.startsWith(`${part}.`))) return undefined;
    const shape = model.parameters(options, sizes).find(({ name }) => name === parameter)?.shape ?? [];
    const member = Math.floor(index / shape.slice(1).reduce((product, n) => product * n, 1));
    return member % sizes.scenarios;
  };
