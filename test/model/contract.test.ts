/** The first case of each model; the others are in contract.slow.test.ts. */
import { expect, test } from 'vitest';
import { findModel, models } from '../../src/model/registry.ts';
import { keepsItsNames, keepsTheLaws } from './contract.ts';
import { CASES } from './every-case.ts';

test('every model of the zoo has cases', () => {
  expect(Object.keys(CASES)).toEqual([...models.keys()]);
});

for (const [key, { cases, scenarioOwner }] of Object.entries(CASES)) {
  keepsItsNames(findModel(key));
  keepsTheLaws(findModel(key), cases.slice(0, 1), scenarioOwner);
}
