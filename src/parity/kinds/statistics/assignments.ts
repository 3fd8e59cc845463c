/** Cases of assignment: buckets, shares of arms, and corrections of many p and e values. */
import { z } from 'zod';
import {
  bucketOf,
  eBenjaminiHochberg,
  inRange,
  sequentialSrm,
  sequentialSrmStream,
  srmTest,
} from '../../../evaluate/experiment/index.ts';
import { CORRECTIONS } from '../../../evaluate/significance/index.ts';
import { NotUnderstood } from '../../fixture.ts';
import { count, kind, level, matrix, numbers } from './kind.ts';

const counts = z.array(count).min(1);
const probabilities = z.strictObject({ p: z.array(z.number().min(0).max(1)).min(1) });

const splitInput = z.strictObject({
  seed: z.string(),
  /** Names as a range (`user-0..user-99999`) or as a list. */
  ids: z.union([z.string(), z.array(z.string())]),
  range: z.tuple([z.number(), z.number()]),
  version: z.int().optional(),
});

function split({ seed, ids, range, version = 2 }: z.output<typeof splitInput>): { count: number } {
  const inside = (id: string): boolean => {
    const bucket = bucketOf(seed, id, version);
    return bucket !== null && inRange(bucket, range);
  };
  return { count: (typeof ids === 'string' ? namesOf(ids) : ids).filter(inside).length };
}

function namesOf(range: string): string[] {
  const [, prefix, first, again, last] = /^(.*?)(\d+)\.\.(.*?)(\d+)$/.exec(range) ?? [];
  if (prefix === undefined || prefix !== again) throw new NotUnderstood(`ids "${range}" is not like user-0..user-99`);
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => `${prefix}${Number(first) + i}`);
}

export const ASSIGNMENT_KINDS = {
  'bucket-hash': kind(
    z.strictObject({ cases: z.array(z.strictObject({ seed: z.string(), value: z.string(), version: z.int() })) }),
    ({ cases }) => cases.map(({ seed, value, version }) => bucketOf(seed, value, version)),
  ),
  'bucket-split': kind(splitInput, split),
  srm: kind(z.strictObject({ counts, weights: counts }), ({ counts, weights }) => srmTest(counts, weights), {
    tails: ['p'],
  }),
  'sequential-srm': kind(
    z.strictObject({ counts, weights: counts, dirichlet: counts.optional() }),
    ({ counts, weights, dirichlet }) => sequentialSrm(counts, weights, dirichlet),
  ),
  'sequential-srm-stream': kind(
    z.strictObject({ stream: matrix, weights: counts, dirichlet: counts.optional() }),
    ({ stream, weights, dirichlet }) =>
      sequentialSrmStream(stream, weights, dirichlet).map(({ mixture, fixed, p }) => [mixture, fixed, p]),
  ),
  holm: kind(probabilities, ({ p }) => CORRECTIONS.holm(p)),
  'benjamini-hochberg': kind(probabilities, ({ p }) => CORRECTIONS['benjamini-hochberg'](p)),
  'e-benjamini-hochberg': kind(z.strictObject({ e: numbers, alpha: level.optional() }), ({ e, alpha }) => ({
    rejected: eBenjaminiHochberg(e, alpha),
  })),
};
