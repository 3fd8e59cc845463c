/** Models that between them use most ops: gates, sequences, products of attention. The others are in zoo.long.test.ts. */
import { test } from 'vitest';
import { findModel } from '../../src/model/registry.ts';
import { CASES } from '../model/every-case.ts';
import { setupOf } from '../model/support.ts';
import { agreesWithTheOracle } from './models.ts';

test.each([
  ['autoifs', 'search'],
  ['autoifs', 'retrain'],
  ['dtrn', 'train'],
] as const)('%s, %s: jax-js gives the same loss and gradients', (key, phase) => {
  const [{ options, sizes }] = CASES[key].cases;
  return agreesWithTheOracle(setupOf(findModel(key), options, sizes, phase));
});
