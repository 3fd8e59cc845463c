/** Every case of every model, in every phase. */
import { describe, test } from 'vitest';
import { models } from '../../src/model/registry.ts';
import { CASES } from '../model/every-case.ts';
import { phasesOf, setupOf } from '../model/support.ts';
import { agreesWithTheOracle } from './models.ts';

describe.each([...models.values()])('$key: jax-js gives the same loss and gradients', (model) => {
  describe.each(CASES[model.key].cases)('$title', ({ options, sizes }) => {
    test.each(phasesOf(model))('%s', (phase) => agreesWithTheOracle(setupOf(model, options, sizes, phase)));
  });
});
