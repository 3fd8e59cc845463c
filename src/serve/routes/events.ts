/** POST /v1/events: what users did with what was shown to them. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { error, type TributaryError } from '../../base/errors/index.ts';
import { problemsOf } from '../../config/files/problems.ts';
import { type Correction, EVENT_SCHEMA, type Interaction, idSchema, timeSchema } from '../../events/event.ts';
import type { EventLogger } from '../events/logger.ts';
import { parseRequest } from '../http/parse.ts';
import type { RouteContext } from './context.ts';
import { route } from './route.ts';
import { jsonSchemaOf } from './schemas.ts';

const MOST_EVENTS = 1000;
/** Clocks of clients may be ahead by this much. */
const AHEAD_MS = 5 * 60 * 1000;

const shared = {
  event_id: idSchema.describe('Events with one id count once: a client may send them again.'),
  request_id: idSchema.describe('`request_id` of the answer that showed the item.'),
  item_id: z.union([idSchema, z.number()]).describe('Id of the item in that answer.'),
  type: idSchema.describe('The name of a task, or another name.'),
  time: timeSchema.optional().describe('Milliseconds since 1970, UTC. Default: when the event arrives.'),
};

const givenSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('interaction'),
    ...shared,
    value: z.number().optional().describe('Such as a price, or seconds watched.'),
  }),
  z.strictObject({ kind: z.literal('correction').describe('Takes the interactions of a type back.'), ...shared }),
]);

/** Events are checked one by one: a wrong one does not stop the others. */
const bodySchema = z.strictObject({ events: z.array(z.unknown()) });

interface Refused {
  index: number;
  code: string;
  message: string;
}

export async function eventRoutes(app: FastifyInstance, { events }: RouteContext): Promise<void> {
  app.post('/v1/events', EVENTS, async ({ body }) => {
    if (events === undefined) throw error('EVENTS_OFF', undefined);
    const { events: given } = parseRequest(bodySchema, body);
    if (given.length > MOST_EVENTS) throw error('TOO_MANY_EVENTS', { found: given.length, limit: MOST_EVENTS });
    const refused: Refused[] = [];
    const outcomes = await Promise.all(given.map((event, index) => take(event, index, events, refused)));
    const count = (outcome: string): number => outcomes.filter((each) => each === outcome).length;
    refused.sort((a, b) => a.index - b.index);
    return { accepted: count('accepted'), duplicate: count('duplicate'), refused };
  });
}

async function take(given: unknown, index: number, events: EventLogger, refused: Refused[]) {
  const refuse = ({ code, message }: TributaryError): void => void refused.push({ index, code, message });
  const event = eventOf(given);
  if (!('event_id' in event)) return refuse(event);
  const outcome = await events.add(event);
  if (outcome !== 'not stored') return outcome;
  refuse(error('EVENT_NOT_STORED', { reason: events.stopped() ?? 'too many events wait' }));
}

/** The event of the log, or why it is none. */
function eventOf(given: unknown): Interaction | Correction | TributaryError {
  const parsed = givenSchema.safeParse(given);
  if (!parsed.success) {
    const [{ path, message }] = problemsOf(parsed.error.issues, given, givenSchema);
    return error('EVENT_INVALID', { problem: path === '' ? message : `${path}: ${message}` });
  }
  const now = Date.now();
  const { item_id, time = now, ...event } = parsed.data;
  if (time > now + AHEAD_MS) return error('EVENT_IN_FUTURE', { time, now });
  return { schema: EVENT_SCHEMA, ...event, item_id: String(item_id), time };
}

const counted = (description: string) => ({ type: 'integer', description });

const EVENTS = route({
  access: 'events',
  tag: 'events',
  summary: 'Takes interactions and corrections',
  body: {
    type: 'object',
    required: ['events'],
    additionalProperties: false,
    properties: { events: { type: 'array', maxItems: MOST_EVENTS, items: jsonSchemaOf(givenSchema) } },
  },
  answers: {
    200: {
      description: 'What became of the events',
      type: 'object',
      required: ['accepted', 'duplicate', 'refused'],
      additionalProperties: false,
      properties: {
        accepted: counted('New events. With `sync: always` they are stored.'),
        duplicate: counted('Events whose id came before.'),
        refused: {
          type: 'array',
          items: {
            type: 'object',
            required: ['index', 'code', 'message'],
            additionalProperties: false,
            properties: {
              index: counted('Of the event in the body, from 0.'),
              code: { type: 'string', enum: ['EVENT_INVALID', 'EVENT_IN_FUTURE', 'EVENT_NOT_STORED'] },
              message: { type: 'string' },
            },
          },
        },
      },
    },
  },
  errors: ['EVENTS_OFF', 'TOO_MANY_EVENTS'],
});
