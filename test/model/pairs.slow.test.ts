/** Every model with the products of pairs of fields as inputs. */
import { findModel } from '../../src/model/registry.ts';
import { keepsTheLaws } from './contract.ts';
import { CASES } from './every-case.ts';

for (const [key, { cases, scenarioOwner }] of Object.entries(CASES)) {
  const { options, sizes } = cases[cases.length - 1];
  keepsTheLaws(findModel(key), [{ title: 'with pairs', options: { ...options, pairs: true }, sizes }], scenarioOwner);
}
