/**
 * /ofrep: the OpenFeature Remote Evaluation Protocol (openfeature.dev, OFREP 0.2). An experiment is a flag, its value the name of the
 * unit's arm. Nothing is logged or counted: only an answered ranking exposes a unit.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { error, TributaryError } from '../../base/errors/index.ts';
import type { Plan, PlanExperiment } from '../experiments/plan.ts';
import { flagErrorCode } from '../http/http-errors.ts';
import { parseOptional } from '../http/parse.ts';
import type { JsonSchema } from '../ranker/request-schema.ts';
import type { RouteContext } from './context.ts';
import { route } from './route.ts';
import { jsonSchemaOf } from './schemas.ts';

const bodySchema = z.strictObject({
  context: z
    .looseObject({
      targetingKey: z
        .union([z.string(), z.number()])
        .optional()
        .describe('The unit, where it is not under its own name.'),
      scenario: z.string().optional().describe('Units take no part in experiments of other scenarios.'),
    })
    .default({}),
});
type Context = z.output<typeof bodySchema>['context'];

export async function flagRoutes(app: FastifyInstance, { experiments }: RouteContext): Promise<void> {
  app.post<{ Params: { key: string } }>('/ofrep/v1/evaluate/flags/:key', ONE, async ({ params: { key }, body }) => {
    const { context } = parseOptional(bodySchema, body);
    const plan = experiments.plan();
    const experiment = plan?.experiments.get(key);
    if (plan === undefined || experiment === undefined)
      throw error('FLAG_NOT_FOUND', { found: key, known: [...(plan?.experiments.keys() ?? [])] });
    return evaluated(plan, experiment, context);
  });
  app.post('/ofrep/v1/evaluate/flags', ALL, async ({ body }) => {
    const { context } = parseOptional(bodySchema, body);
    const plan = experiments.plan();
    const flags = [...(plan?.experiments.values() ?? [])].map((experiment) => {
      try {
        return evaluated(plan as Plan, experiment, context);
      } catch (cause) {
        if (!(cause instanceof TributaryError)) throw cause;
        return { key: experiment.key, errorCode: flagErrorCode(cause.code), errorDetails: cause.message };
      }
    });
    return { flags };
  });
}

/** Throws TARGETING_KEY_MISSING. */
function evaluated(plan: Plan, { key, unit, mode, arms, bucketVersion }: PlanExperiment, context: Context): object {
  const value = Object.hasOwn(context, unit) ? context[unit] : context.targetingKey;
  if ((typeof value !== 'string' && typeof value !== 'number') || value === '')
    throw error('TARGETING_KEY_MISSING', { key, unit });
  const part = plan.partOf(key, String(value), context.scenario);
  const metadata = { mode, bucketVersion };
  return part === undefined
    ? { key, value: arms[0].name, reason: 'DEFAULT', metadata }
    : { key, value: part.arm.name, variant: part.arm.name, reason: 'SPLIT', metadata };
}

const FLAG: JsonSchema = {
  type: 'object',
  required: ['key', 'value', 'reason', 'metadata'],
  additionalProperties: false,
  properties: {
    key: { type: 'string' },
    value: { type: 'string', description: 'The arm; for a unit that takes no part, the control.' },
    variant: { type: 'string', description: 'The arm; absent for a unit that takes no part.' },
    reason: { type: 'string', enum: ['SPLIT', 'DEFAULT'], description: 'Does the unit take part (SPLIT)?' },
    metadata: {
      type: 'object',
      required: ['mode', 'bucketVersion'],
      additionalProperties: false,
      properties: {
        mode: {
          type: 'string',
          enum: ['split', 'interleave', 'shadow'],
          description: 'Other modes than `split` have the control as arm for all units that take part.',
        },
        bucketVersion: { type: 'integer' },
      },
    },
  },
};

const FAILED: JsonSchema = {
  type: 'object',
  required: ['key', 'errorCode', 'errorDetails'],
  additionalProperties: false,
  properties: { key: { type: 'string' }, errorCode: { type: 'string' }, errorDetails: { type: 'string' } },
};

const ONE = route({
  access: 'key',
  tag: 'flags',
  summary: 'The arm of a unit in an experiment',
  params: { key: { type: 'string', description: 'Key of the experiment.' } },
  body: jsonSchemaOf(bodySchema),
  answers: { 200: { ...FLAG, description: 'The arm' } },
  errors: ['FLAG_NOT_FOUND', 'TARGETING_KEY_MISSING'],
});

const ALL = route({
  access: 'key',
  tag: 'flags',
  summary: 'The arms of a unit in all experiments',
  body: jsonSchemaOf(bodySchema),
  answers: {
    200: {
      description: 'An entry for each experiment',
      type: 'object',
      required: ['flags'],
      additionalProperties: false,
      properties: { flags: { type: 'array', items: { anyOf: [FLAG, FAILED] } } },
    },
  },
});
