/** The GrowthBook SDK assigns every unit as we do. */
import { GrowthBookClient, type Experiment as GrowthBookExperiment } from '@growthbook/growthbook';
import { describe, expect, test } from 'vitest';
import { type Assignment, assign } from '../../../src/evaluate/experiment/index.ts';

const UNITS = 100_000;
const unit = (i: number): string => `user-${i}`;

/** The same experiment as GrowthBook takes it. Arms are called by their number. */
const theirs = (experiment: Assignment): GrowthBookExperiment<number> => ({
  key: experiment.key,
  variations: experiment.weights.map((_, arm) => arm) as [number, number],
  meta: experiment.weights.map((_, arm) => ({ key: String(arm) })),
  weights: [...experiment.weights],
  hashVersion: experiment.hashVersion,
  hashAttribute: 'user_id',
  ...(experiment.seed === undefined ? {} : { seed: experiment.seed }),
  ...(experiment.coverage === undefined ? {} : { coverage: experiment.coverage }),
  ...(experiment.namespace === undefined
    ? {}
    : { namespace: [experiment.namespace.name, ...experiment.namespace.range] as [string, number, number] }),
  bucketVersion: experiment.bucketVersion,
  minBucketVersion: experiment.minBucketVersion,
});

const client = new GrowthBookClient({ enabled: true });

/** GrowthBook's arm; undefined where the unit takes no part. */
function theirArm(
  experiment: GrowthBookExperiment<number>,
  id: string,
  earlier?: Record<string, string>,
): number | undefined {
  const docs = { [`user_id||${id}`]: { attributeName: 'user_id', attributeValue: id, assignments: earlier ?? {} } };
  const sticky =
    earlier === undefined ? {} : { stickyBucketAssignmentDocs: docs, saveStickyBucketAssignmentDoc: async () => {} };
  const result = client.runInlineExperiment(experiment, { attributes: { user_id: id }, ...sticky });
  return result.inExperiment ? result.variationId : undefined;
}

const PAYLOADS: [string, Assignment][] = [
  ['two equal arms', { key: 'flows-2026-12', hashVersion: 2, weights: [0.5, 0.5] }],
  ['three weights and coverage', { key: 'weights', hashVersion: 2, weights: [0.2, 0.3, 0.5], coverage: 0.37 }],
  [
    'a namespace',
    {
      key: 'space',
      hashVersion: 2,
      weights: [0.5, 0.5],
      coverage: 0.9,
      namespace: { name: 'ranking', range: [0.2, 0.7] },
    },
  ],
  ['hash version 1', { key: 'old', hashVersion: 1, weights: [0.9, 0.1] }],
  [
    'a seed and bucket versions',
    { key: 'seeded', seed: 'Größe-7', hashVersion: 2, weights: [0.34, 0.33, 0.33], bucketVersion: 3 },
  ],
];

describe('the GrowthBook SDK assigns as we do', () => {
  test.each(PAYLOADS)(`${UNITS} units: %s`, (_, experiment) => {
    const payload = theirs(experiment);
    const counts = experiment.weights.map(() => 0);
    let different = 0;
    for (let i = 0; i < UNITS; i++) {
      const ours = assign(experiment, unit(i))?.arm;
      if (ours !== undefined) counts[ours]++;
      if (ours !== theirArm(payload, unit(i))) different++;
    }
    expect(different).toBe(0);
    for (const count of counts) expect(count).toBeGreaterThan(UNITS / 100);
  });

  test('with remembered arms of earlier bucket versions', () => {
    const experiment: Assignment = {
      key: 'sticky',
      hashVersion: 2,
      weights: [0.5, 0.5],
      coverage: 0.5,
      bucketVersion: 2,
      minBucketVersion: 1,
    };
    const payload = theirs(experiment);
    for (const earlier of [new Map(), new Map([[0, 1]]), new Map([[1, 1]]), new Map([[2, 1]]), new Map([[2, 0]])]) {
      const remembered = Object.fromEntries([...earlier].map(([version, arm]) => [`sticky__${version}`, String(arm)]));
      for (let i = 0; i < 500; i++)
        expect(assign(experiment, unit(i), earlier)?.arm).toBe(theirArm(payload, unit(i), remembered));
    }
  });
});
