/**
 * What a log holds, one JSON object for each event. Impressions say what was answered, with all values as they were used: training
 * joins no later states. Ids of items are texts, also where a request gave a number. Names with underscores are those of the HTTP bodies.
 */
import { z } from 'zod';

/** Version of events as readers have them, and of all lines but those of compact.ts. A change that readers must know of gets another number. */
export const EVENT_SCHEMA = 'event/1';

const MOST_NAME = 256;

/** Ids of events, requests and items, types of interactions. */
export const idSchema = z.string().min(1).max(MOST_NAME);
/** Milliseconds since 1970, UTC. */
export const timeSchema = z.int().min(0);
const modelLabel = z.string().min(1);

const header = { schema: z.literal(EVENT_SCHEMA), event_id: idSchema, time: timeSchema };

/** How the order of an answer came about. Only where it is random do items have propensities. */
const policySchema = z.discriminatedUnion('kind', [
  /** By falling score. */
  z.strictObject({ kind: z.literal('deterministic') }),
  /** Drawn with chances in proportion to exp(score / temperature); the seed repeats the draw. */
  z.strictObject({
    kind: z.literal('plackett-luce'),
    temperature: z.number().positive(),
    seed: z.string().min(1),
    /** ln of the chance of the order that was shown. */
    log_joint: z.number().max(0),
  }),
  /** Two or more rankings in one list: items name their team. */
  z.strictObject({
    kind: z.literal('interleave'),
    method: z.string().min(1),
    seed: z.string().min(1),
    /** By team: `name@id` of its model. */
    teams: z.record(z.string(), modelLabel),
  }),
  /** By falling score; another model scored the same items (`shadow_score`) and nobody saw it. */
  z.strictObject({ kind: z.literal('shadow'), model: modelLabel, score_hash: z.string().min(1) }),
]);

const propensitySchema = z.strictObject({
  /** Chance that the policy puts this item at this position. Only for short lists (see `exploration` in docs/serving.md). */
  marginal: z.number().min(0).max(1).optional(),
  /** ln of the chance of the order from the first position to this one. */
  log_prefix: z.number().max(0),
});

/** A value as a request gives it. */
const scalarSchema = z.union([z.string(), z.number(), z.boolean(), z.null()]);
export const valueSchema = z.union([scalarSchema, z.array(scalarSchema)]);
/** By field. */
export const valuesSchema = z.record(z.string(), valueSchema);

export const itemSchema = z.strictObject({
  item_id: z.string().max(MOST_NAME),
  /** 1 is the first; null for a candidate that was not shown. */
  position: z.int().min(1).nullable(),
  score: z.number(),
  /** By task, calibrated. */
  probabilities: z.record(z.string(), z.number()),
  /** Of items that were shown in a random order. */
  propensity: propensitySchema.optional(),
  /** Interleaving: whose item it is; absent where all rankings agreed on it and on all above. */
  team: z.string().min(1).optional(),
  /** Shadow: the score of the other model. */
  shadow_score: z.number().optional(),
  /** Those of the item itself. They override those of the impression. */
  values: valuesSchema.optional(),
});

const experimentSchema = z.strictObject({
  key: z.string().min(1),
  arm: z.string().min(1),
  /** The unit's hash in [0, 1). */
  bucket: z.number().min(0).lt(1),
  bucket_version: z.int().min(0),
  /** Code of the error with which the model of the arm failed. The control answered instead, and the unit stays in its arm. */
  failed: z.string().min(1).optional(),
});

/** An answered request. */
export const impressionSchema = z.strictObject({
  ...header,
  kind: z.literal('impression'),
  request_id: idSchema,
  scenario: z.string(),
  /** The user, or what else is randomised and resampled as a whole; hashed where the service is configured so. Null: not known. */
  unit: z.string().nullable(),
  /** `name@id` of the artifact that answered. */
  model: modelLabel,
  /** First 16 hexadecimal digits of the SHA-256 of the score expression of the scenario. */
  score_hash: z.string().min(1),
  /**
   * Assignments of the unit; absent without experiments. Policy `interleave`: the arm is the first one, the control, and so is the
   * team's name of each arm its name. Policy `shadow`: the arm is the control, which answered.
   */
  experiments: z.array(experimentSchema).optional(),
  /** Time in the service until the answer was ready, milliseconds: `took_ms` of the answer. */
  took_ms: z.number().min(0).optional(),
  policy: policySchema,
  /** Number of candidates in the request. */
  candidates: z.int().min(1),
  /** Those shown, from the first position on; then the best of the others, as many as are kept. */
  items: z.array(itemSchema),
  /** Values that all items share: those of the user, and over them those of the context. */
  values: valuesSchema.optional(),
  /** The user's last items by type, oldest first, as the request brought them. */
  sequences: z.record(z.string(), z.array(scalarSchema).nullable()).optional(),
});

const onItem = { request_id: idSchema, item_id: idSchema, type: idSchema };

/** A reaction to an item of an answer. `type`: the name of a task, or another. */
const interactionSchema = z.strictObject({
  ...header,
  kind: z.literal('interaction'),
  ...onItem,
  value: z.number().optional(),
});

/** Takes interactions of this type with this item back, such as a refund. */
const correctionSchema = z.strictObject({ ...header, kind: z.literal('correction'), ...onItem });

/** Events are missing here: `count` of them were dropped, or a last line was torn by a crash and cut. */
const gapSchema = z.strictObject({
  ...header,
  kind: z.literal('gap'),
  reason: z.enum(['dropped', 'torn']),
  count: z.int().min(1),
});

/** The place of an event that was deleted on a user's wish. */
const forgottenSchema = z.strictObject({ schema: z.literal(EVENT_SCHEMA), kind: z.literal('forgotten') });

export const eventSchema = z.discriminatedUnion('kind', [
  impressionSchema,
  interactionSchema,
  correctionSchema,
  gapSchema,
  forgottenSchema,
]);

export type LogEvent = z.output<typeof eventSchema>;
export type Impression = z.output<typeof impressionSchema>;
export type ImpressionItem = z.output<typeof itemSchema>;
export type Interaction = z.output<typeof interactionSchema>;
export type Correction = z.output<typeof correctionSchema>;
export type Policy = z.output<typeof policySchema>;
