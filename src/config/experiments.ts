/**
 * The list `experiments` of a serving configuration: which units get which arm, and how an experiment is to be judged. Parsing what
 * was parsed gives the same again, so `GET /admin/experiments` answers what a PUT takes.
 */
import { z } from 'zod';
import { metricsSchema, rampSchema, sequentialSchema, stepsOf } from './experiment/analysis.ts';

/** Letters first: JavaScript sorts names of digits alone, and the first arm is the control. */
const name = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/,
    'expected a letter, then letters, digits, dots, dashes and underscores, 64 in all',
  );

const share = z.number().min(0).max(1);

const armSchema = z.strictObject({
  /** The model that answers: `name`, or `name@id` for exactly one artifact. Default: the one that answers without the experiment. */
  model: z.string().min(1).max(256).optional(),
  /** Score expression in place of the model's own. */
  score: z.string().min(1).optional(),
});

const range = z
  .tuple([share, share])
  .refine(([from, to]) => from < to, 'expected two shares, the first one smaller: [from, to)');

const experimentSchema = z
  .strictObject({
    key: name,
    /** The name whose value in user or context is assigned. Without a value the request is answered as without the experiment. */
    unit: z.string().min(1),
    /** Default: all. */
    scenarios: z.array(z.string()).min(1).optional(),
    /** By name, in this order; the first one is the control. */
    arms: z.record(name, armSchema),
    /** `split`: one arm answers. `interleave`: all arms rank, and the list is drafted. `shadow`: the first arm answers, the second is only scored. */
    mode: z.enum(['split', 'interleave', 'shadow']).default('split'),
    /** Shares of the arms (mode `split`), which add up to 1. Default: equal ones. */
    weights: z.array(share).optional(),
    /** Share of units that take part. Default: the first step of `ramp`, or 1. */
    coverage: share.optional(),
    /** Experiments of one namespace have ranges apart, and so never share a unit. */
    namespace: z.strictObject({ name, range }).optional(),
    hashVersion: z.union([z.literal(1), z.literal(2)]).default(2),
    /** What the hash begins with. Default: the key. */
    seed: z.string().min(1).max(256).optional(),
    /** Raised with a change that moves units to other arms. */
    bucketVersion: z.int().min(0).default(0),
    /** Units that took part in a version below this one stay out. */
    minBucketVersion: z.int().min(0).default(0),
    /** What decides: see config/experiment/analysis.ts. */
    metrics: metricsSchema.prefault({}),
    /** When one may look: always, or a fixed number of times. */
    sequential: sequentialSchema.default('always-valid'),
    /** Coverage by steps, each held until its gates are met. */
    ramp: rampSchema.optional(),
  })
  .superRefine(({ arms, mode, weights, bucketVersion, minBucketVersion }, { addIssue }) => {
    const problem = (path: string, message: string): void => addIssue({ code: 'custom', path: [path], message });
    const count = Object.keys(arms).length;
    if (count < 2) problem('arms', `expected two arms or more, found ${count}`);
    if (mode === 'shadow' && count > 2) problem('arms', `mode shadow has two arms, found ${count}`);
    if (weights !== undefined) {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      if (mode !== 'split') problem('weights', `belong to mode split; all units of mode ${mode} get the same`);
      else if (weights.length !== count)
        problem('weights', `expected one for each of ${count} arms, found ${weights.length}`);
      else if (Math.abs(total - 1) > WEIGHTS_TOLERANCE) problem('weights', `must add up to 1, found ${total}`);
    }
    if (minBucketVersion > bucketVersion)
      problem('minBucketVersion', `must not be above bucketVersion (${bucketVersion}), found ${minBucketVersion}`);
  })
  .transform(({ coverage, ...experiment }) => ({
    ...experiment,
    coverage: coverage ?? stepsOf(experiment.ramp)[0] ?? 1,
  }));

/** As in the published SDKs. */
const WEIGHTS_TOLERANCE = 0.01;

export const experimentsSchema = z.array(experimentSchema).superRefine((experiments, { addIssue }) => {
  const problem = (index: number, path: string, message: string): void =>
    addIssue({ code: 'custom', path: [index, path], message });
  const keys = new Set<string>();
  for (const [i, { key }] of experiments.entries()) {
    if (keys.has(key)) problem(i, 'key', `there are two experiments ${key}`);
    keys.add(key);
  }
  const spaces = new Map<string, [number, ExperimentConfig][]>();
  for (const [i, experiment] of experiments.entries()) {
    const space = experiment.namespace?.name;
    if (space !== undefined) spaces.set(space, [...(spaces.get(space) ?? []), [i, experiment]]);
  }
  for (const entries of spaces.values()) checkNamespace(entries, problem);
});

/** Experiments of one namespace divide the same units between them. */
function checkNamespace(
  entries: readonly [index: number, experiment: ExperimentConfig][],
  problem: (index: number, path: string, message: string) => void,
): void {
  const [[, first]] = entries;
  for (const [i, { unit }] of entries)
    if (unit !== first.unit)
      problem(i, 'unit', `${first.key} divides the same namespace by ${first.unit}; expected the same unit`);
  const rangeOf = ({ namespace }: ExperimentConfig): readonly [number, number] => namespace?.range ?? [0, 1];
  const sorted = [...entries].sort(([, a], [, b]) => rangeOf(a)[0] - rangeOf(b)[0]);
  for (const [at, [i, experiment]] of sorted.entries()) {
    const before = sorted[at - 1]?.[1];
    if (before !== undefined && rangeOf(experiment)[0] < rangeOf(before)[1])
      problem(i, 'namespace', `its range overlaps that of ${before.key}; expected ranges apart`);
  }
}

export type ExperimentConfig = z.output<typeof experimentSchema>;
