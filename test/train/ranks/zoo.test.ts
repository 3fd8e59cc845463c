/** The training graph of every model, in every phase, over ranks: the first case of each; others are in the thorough tests. */
import { describe, expect, test } from 'vitest';
import { findModel } from '../../../src/model/registry.ts';
import { CASES } from '../../model/every-case.ts';
import { phasesOf, setupOf } from '../../model/support.ts';
import { agreesOverRanks, SPLITS } from './split.ts';

describe.each(Object.entries(CASES))('%s', (key, { cases }) => {
  const [{ options, sizes }] = cases;
  test.each(phasesOf(findModel(key)))('%s: ranks together compute what one computes', async (phase) => {
    const stages = await agreesOverRanks(setupOf(findModel(key), options, sizes, phase), SPLITS);
    expect(stages).toBe(key === 'star' ? 6 : 1); // its first case has a norm over the batch
  });
});
