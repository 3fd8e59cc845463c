/** Every case of each model but the first, which the quick tests run, and what is tried at random sizes. */
import { findModel } from '../../src/model/registry.ts';
import { keepsTheLaws, keepsTheLawsAtAnySizes } from './contract.ts';
import { CASES } from './every-case.ts';

for (const [key, cases] of Object.entries(CASES)) {
  keepsTheLaws(findModel(key), cases.cases.slice(1), cases.scenarioOwner);
  keepsTheLawsAtAnySizes(findModel(key), cases);
}
