/** The block `events` of a serving configuration: what is logged, where, and how much of it. */
import { z } from 'zod';

const UNITS: Record<string, number> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 };

/** A number of bytes, or a text as 64MB. */
export const bytes = z.union([
  z.int().min(1),
  z
    .string()
    .regex(/^\d+(?:\.\d+)? ?(?:B|kB|MB|GB)$/, 'expected a number of bytes, or a text as 64MB (B, kB, MB, GB)')
    .transform((text) => {
      const [, number, unit] = /^([\d.]+) ?(\w+)$/.exec(text) as RegExpExecArray;
      return Math.max(Math.round(Number(number) * UNITS[unit]), 1);
    }),
]);

/** A secret is named, never written: `env:NAME` is the value of an environment variable. */
export const secret = z.string().regex(/^env:[A-Za-z_][A-Za-z0-9_]*$/, 'expected env:NAME, an environment variable');

export const eventsSchema = z
  .strictObject({
    /** Where events are kept: segments are files in a folder. */
    sink: z.enum(['segments', 'postgres', 'redis']).default('segments'),
    /** Segments: their folder, made if it is not there. */
    folder: z.string().min(1).optional(),
    /** PostgreSQL and Redis: the URL of the server, with user and password. */
    url: secret.optional(),
    /** PostgreSQL: the table, made if it is not there; SCHEMA.TABLE outside of the search path. */
    table: z
      .string()
      .regex(
        /^[a-z_][a-z0-9_]{0,47}(?:\.[a-z_][a-z0-9_]{0,47})?$/,
        'expected a name of lower-case letters, digits and _',
      )
      .default('tributary_events'),
    /** Redis: the key of the stream. */
    stream: z.string().min(1).max(256).default('tributary:events'),
    /**
     * The field of user or context whose value is the unit: what is randomised and resampled as a whole, mostly the user. Requests
     * may send it also where it is no field of the model. Default: units are not known.
     */
    unit: z.string().min(1).optional(),
    /** Keeps the HMAC-SHA-256 of the unit with this key instead of its value, and leaves the field itself out. */
    unitHash: secret.optional(),
    /** Which field values are kept as they were used. */
    fields: z.union([z.enum(['all', 'none']), z.array(z.string().min(1))]).default('all'),
    /** Share of the requests that are logged, chosen by a hash of the request id. */
    share: z.number().min(0).max(1).default(1),
    /** Candidates beyond top_k that are kept: those with the highest scores. */
    unshown: z.int().min(0).default(20),
    /** When a segment is finished and the next one is started. */
    rotate: z
      .strictObject({ bytes: bytes.default(64e6), seconds: z.number().positive().max(86_400).default(300) })
      .prefault({}),
    /** When events are safe from a power cut: at once, within a second, or when the system writes them. */
    sync: z.enum(['always', 'interval', 'never']).default('interval'),
    /**
     * Whose time impressions have: the machine's, or that of the request's header `tributary-clock`. Anybody who may rank can then
     * set times, so the latter is for simulations, in which days pass in minutes.
     */
    clock: z.enum(['system', 'requests']).default('system'),
    /** Events that wait to be stored, bytes in each process. Those beyond are dropped and counted. */
    queueBytes: bytes.default(32e6),
  })
  .superRefine(({ sink, folder, url }, { addIssue }) => {
    const need = sink === 'segments' ? 'folder' : 'url';
    const isMissing = { folder, url }[need] === undefined;
    const expected = { folder: 'a folder', url: 'env:NAME, an environment variable with the URL of the server' }[need];
    if (isMissing) addIssue({ code: 'custom', path: [need], message: `is missing: expected ${expected}` });
    const other = sink === 'segments' ? 'url' : 'folder';
    if ({ folder, url }[other] !== undefined)
      addIssue({ code: 'custom', path: [other], message: `does not belong to the sink ${sink}` });
  })
  .refine(({ unit, unitHash }) => unitHash === undefined || unit !== undefined, {
    path: ['unit'],
    error: 'is missing: unitHash needs the field that it hashes',
  });

export type EventsConfig = z.output<typeof eventsSchema>;

/** Random orders, so that other policies can be judged by the log. */
export const explorationSchema = z.strictObject({
  /** Share of the logged requests whose order is drawn. */
  share: z.number().min(0).max(1),
  /** An item is drawn with a chance in proportion to exp(score / temperature): the smaller, the closer to the order by score. */
  temperature: z.number().positive().default(1),
  /** Draws follow from it and the request id, so that a simulation can be repeated. Default: each answer is drawn anew. */
  seed: z.string().min(1).max(100).optional(),
});
