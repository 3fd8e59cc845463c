/** The training graph of every model over ranks: the cases besides the first, long batches, and gradients by task. */
import { describe, test } from 'vitest';
import { findModel } from '../../../src/model/registry.ts';
import { CASES } from '../../model/every-case.ts';
import { phasesOf, setupOf } from '../../model/support.ts';
import { agreesOverRanks, SPLITS } from './split.ts';

describe.each(Object.entries(CASES))('%s', (key, { cases }) => {
  const model = findModel(key);
  for (const phase of phasesOf(model)) {
    test.each(cases.slice(1))(`${phase}: $title`, async ({ options, sizes }) => {
      await agreesOverRanks(setupOf(model, options, sizes, phase), SPLITS.slice(0, 2));
    });

    test(`${phase}: gradients of tasks, whole and as norms, in graphs for long batches`, async () => {
      const [{ options, sizes }] = cases;
      for (const taskGradients of ['whole', 'norms'] as const)
        await agreesOverRanks({ ...setupOf(model, options, sizes, phase, 4096), taskGradients }, [
          { rows: 9, ranks: 2 },
        ]);
    });
  }
});
