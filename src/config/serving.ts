/** How artifacts are served: where, for whom, how much of it. Every option has a default; a configuration may be empty. */
import { z } from 'zod';
import { eventsSchema, explorationSchema } from './events.ts';
import { experimentsSchema } from './experiments.ts';
import { featuresSchema } from './features.ts';
import { device } from './run.ts';

/** A key as it is kept: never the key itself. `tributary key` makes both. */
const key = z.strictObject({
  /** Who uses it: what logs name. */
  name: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'letters, digits, dots, dashes, underscores; 64 at most'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 has 64 hexadecimal digits, in lower case'),
});

/** Of a key that may do less than all: `rank` asks for rankings, metrics and descriptions, `events` sends what users did. */
const scopedKey = key.extend({
  scopes: z
    .array(z.enum(['rank', 'events']))
    .min(1)
    .default(['rank', 'events']),
});

/** An address or a network, as 10.0.0.0/8. */
const proxyAddress = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);

const expression = z.string().min(1);

const settings = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  /** 0 takes any free port. */
  port: z.int().min(0).max(65_535).default(8080),
  /** Processes that answer; each holds the models for itself and shares the tables' pages with the others. */
  workers: z.int().min(1).max(256).default(1),
  /** Threads of ONNX Runtime in each process. More than one helps requests of many thousand items only. */
  threads: z.int().min(1).default(1),
  device,
  /** Run ONNX Runtime in a thread of its own, next to the one that reads and writes requests. Default: with one process. */
  ownThread: z.boolean().optional(),
  /** Keys that may rank and send events. None: everybody may. */
  keys: z.array(scopedKey).default([]),
  /** Keys that may change what is served. None: nobody may. */
  adminKeys: z.array(key).default([]),
  /** Requests allowed per key (without a known key: per address) and time; no limit when absent. */
  rateLimit: z.strictObject({ requests: z.int().min(1), seconds: z.number().positive().default(1) }).optional(),
  limits: z
    .strictObject({
      /** Candidates of a request. */
      items: z.int().min(1).default(10_000),
      bodyBytes: z
        .int()
        .min(1)
        .default(8 * 1024 * 1024),
      /** Nesting of a JSON body. */
      depth: z.int().min(3).default(8),
      /** Values (texts, numbers, lists, objects) of a large body. Default: what `items` items with every field of the served models have. */
      values: z.int().min(1).optional(),
      /** Time that a client has to send its whole request. */
      requestSeconds: z.number().positive().default(10),
      /** Time that a client has to read its whole answer. */
      answerSeconds: z.number().positive().default(30),
      /** Time that a connection without a request is kept. */
      idleSeconds: z.number().positive().default(75),
      /** Connections of a process, and not more than 128 below its limit of open files. One more ends a silent or slow one. */
      connections: z.int().min(16).default(1000),
      /** Bytes of bodies and answers that a process holds; beyond it the slowest is given up. */
      openBytes: z
        .int()
        .min(1)
        .default(128 * 1024 * 1024),
      /** Bytes of an answer, as estimated before anything is computed. */
      answerBytes: z
        .int()
        .min(1)
        .default(32 * 1024 * 1024),
      /** Items that are explained, the first ones of the answer. */
      explainedItems: z.int().min(1).default(50),
      /** Rows that may wait for the model at once; further requests are refused. */
      waitingRows: z.int().min(1).default(200_000),
    })
    .prefault({}),
  /** Requests that wait at the same time for the same graph run as one batch of at most this many rows. */
  batching: z
    .strictObject({
      rows: z.int().min(1).default(1024),
      /** Time to wait for company. 0: only those that are there already. */
      windowMs: z.number().min(0).max(1000).default(0),
    })
    .prefault({}),
  /** What becomes of names in a request that are no field of the model. */
  unknownFields: z.enum(['refuse', 'ignore']).default('refuse'),
  /** Score expressions in place of those of the artifacts, by model name. */
  score: z
    .record(
      z.string(),
      z.strictObject({ default: expression.optional(), scenarios: z.record(z.string(), expression).default({}) }),
    )
    .default({}),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
      /** Which requests get a line. Lines never hold what a request says of a user or an item. */
      requests: z.enum(['all', 'failed', 'none']).default('failed'),
      /** Lines a second about refusals with the same code; those beyond are counted in one line. */
      refusalsPerSecond: z.int().min(0).default(10),
    })
    .prefault({}),
  /** Requests kept in memory to warm the next artifact with. */
  recordedRequests: z.int().min(0).max(10_000).default(32),
  /** Folder for private copies of the artifacts that are served. Default: the system's folder for temporary files. */
  cacheFolder: z.string().min(1).optional(),
  /** Time in which a worker process must answer the one that looks after it; then it is killed and replaced. */
  hangSeconds: z.number().positive().default(10),
  /** Time that a worker has to load an artifact. */
  loadSeconds: z.number().positive().default(300),
  /** Folder from which artifacts may be loaded while serving; relative paths start there. Default: any. */
  artifactFolder: z.string().min(1).optional(),
  /** Time that open requests have to end after SIGTERM. */
  drainSeconds: z.number().min(0).default(10),
  /**
   * Take the client's address from X-Forwarded-For, as the last proxy wrote it: behind a proxy (`true`), so many of them in a
   * row, or proxies of these addresses and networks (CIDR). Only where no client reaches this service without them.
   */
  trustProxy: z.union([z.boolean(), z.int().min(1).max(16), z.array(proxyAddress).min(1)]).default(false),
  /** Tables of users and items by id: requests need not send what is in them. */
  features: featuresSchema.optional(),
  /** Logs what is answered, and what users did. Off where absent. */
  events: eventsSchema.optional(),
  /** Draws the order of some answers. Only where events are logged. */
  exploration: explorationSchema.optional(),
  /** Online experiments. With `experimentsFile` only for the first start: then the file says which there are. */
  experiments: experimentsSchema.default([]),
  /** Keeps the experiments as `PUT /admin/experiments` changes them, over restarts. Default: changes are lost with the process. */
  experimentsFile: z.string().min(1).optional(),
});

export const servingSchema = settings.refine(
  ({ events, exploration }) => exploration === undefined || events !== undefined,
  { path: ['exploration'], error: 'needs events: nobody could use random orders that are not logged' },
);

export type ServingConfig = z.output<typeof servingSchema>;
export type ServingInput = z.input<typeof servingSchema>;
