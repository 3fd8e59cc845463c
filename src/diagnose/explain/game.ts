/** The game whose players are the fields of a row: its value is a logit or the score, and absent fields are unknown. */
import type { ExplainedField, ExplanationDocument } from '../../documents/diagnose/explanation.ts';
import type { Coalitions } from '../../evaluate/shapley.ts';
import type { OpenedRequest } from '../../serve/ranker/ranker-contract.ts';

export interface Game {
  /** Of the request. */
  row: number;
  /** [T] of [coalitions] */
  logits: Float64Array[];
  /** [coalitions] */
  score: Float64Array;
  /** [T] of [fields]: logits of the row with one field unknown. */
  alone: Float64Array[];
}

/** Place of the coalition that lacks no field, and of the one that lacks all. */
const ALL = 0;
const NONE = 1;

/** Rows of a run. */
const ROWS = 4096;

/** Runs the row with every set of fields unknown. */
export async function gameOf(opened: OpenedRequest, row: number, { absent }: Coalitions): Promise<Game> {
  const { encoder, encoded, outputs, scoring, run } = opened;
  const tasks = outputs.probabilities.length;
  const unknown = [...absent, ...encoder.parts.map((_, part) => [part])];
  const logits = Array.from({ length: tasks }, () => new Float64Array(unknown.length));
  const score = new Float64Array(absent.length);
  for (let from = 0; from < unknown.length; from += ROWS) {
    const part = await run(encoder.without(encoded, row, unknown.slice(from, from + ROWS)));
    for (let i = 0; i < part.probabilities[0].length; i++) {
      const probabilities = logits.map((of, t) => {
        of[from + i] = part.logits[i * tasks + t];
        return scoring.calibrate[t](of[from + i], part.probabilities[t][i]);
      });
      if (from + i < absent.length) score[from + i] = scoring.score(probabilities);
    }
  }
  return {
    row,
    logits: logits.map((of) => of.subarray(0, absent.length)),
    score,
    alone: logits.map((of) => of.subarray(absent.length)),
  };
}

type Shares = Pick<ExplainedField, 'alone' | 'shares' | 'score'>;

/** What each field brings, in the order of the fields. */
export function fieldsOf({ logits, score, alone }: Game, coalitions: Coalitions): Shares[] {
  const ofLogits = logits.map((values) => coalitions.shares(values));
  const ofScore = score.every(Number.isFinite) ? coalitions.shares(score) : undefined;
  return Array.from(alone[0], (_, field) => ({
    alone: logits.map((values, t) => values[ALL] - alone[t][field]),
    shares: ofLogits.map((shares) => shares[field]),
    score: ofScore?.[field] ?? null,
  }));
}

export const unknownRow = ({ logits, score }: Game): ExplanationDocument['unknown'] => ({
  logits: logits.map((values) => values[NONE]),
  score: Number.isFinite(score[NONE]) ? score[NONE] : null,
});

/** Shares of the difference between the scores of the first two items; the orders are the same for both. */
export function leadOf(
  [first, second]: readonly Game[],
  coalitions: Coalitions,
  fields: readonly string[],
): ExplanationDocument['lead'] {
  if (second === undefined) return null;
  const difference = first.score.map((score, i) => score - second.score[i]);
  if (!difference.every(Number.isFinite)) return null;
  const shares = coalitions.shares(difference);
  return {
    difference: difference[ALL],
    fields: fields
      .map((field, i) => ({ field, share: shares[i] }))
      .toSorted((a, b) => Math.abs(b.share.value) - Math.abs(a.share.value)),
  };
}
