/** The HTTP server of one process: who may ask what, how much and how long, and the routes. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { error, type TributaryError } from '../base/errors/index.ts';
import type { ServingConfig } from '../config/serving.ts';
import { addBodies } from './body.ts';
import type { Coordinator } from './coordinator.ts';
import { errorBody, inferenceErrorBody, knownError } from './http-errors.ts';
import { keyOf, keyRing } from './keys.ts';
import { logStream } from './log.ts';
import type { ServerMetrics } from './metrics/server-metrics.ts';
import type { Models } from './models.ts';
import { adminRoutes } from './routes/admin.ts';
import { inferenceRoutes } from './routes/inference.ts';
import { pageRoutes } from './routes/pages.ts';
import { rankRoutes } from './routes/rank.ts';

/** What every route is given. */
export interface Service {
  config: ServingConfig;
  models: Models;
  metrics: ServerMetrics;
  coordinator: Coordinator;
  /** Does this process take new requests? */
  isReady: () => boolean;
}

/** Whom a route answers: everybody, holders of a key where keys are configured, holders of an admin key. */
export type Access = 'open' | 'key' | 'admin';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    /** Name of the key. */
    caller: string | undefined;
    /** What the log may say of a request beside its route and status. */
    noted: { model?: string; items?: number; request_id?: string };
  }
}

/** A server that does not listen yet. Closing it answers what is open first. */
export async function buildServer(service: Service): Promise<FastifyInstance> {
  const { config } = service;
  const { limits, log } = config;
  const app = fastify({
    logger: log.level === 'silent' ? false : { level: log.level, stream: logStream, base: { pid: process.pid } },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestSeconds * 1000,
    connectionTimeout: 0,
    keepAliveTimeout: 75_000,
    http: { headersTimeout: limits.requestSeconds * 1000, connectionsCheckingInterval: 500 },
    trustProxy: config.trustProxy,
    genReqId: requestId,
    routerOptions: { maxParamLength: 256 },
    return503OnClosing: false, // requests that arrive while the last ones are answered are answered, too
    forceCloseConnections: 'idle',
    clientErrorHandler: (cause, socket) => answerSocket(cause, socket, config),
    frameworkErrors: (cause, request, reply) => {
      const known = knownError(cause, '', config);
      void (reply as FastifyReply).code(known?.httpStatus ?? 500).send(errorBody(known, request.id));
    },
  });
  app.decorateRequest('caller', undefined);
  app.decorateRequest('noted');
  addGuards(app, config);
  addBodies(app, config, service.models);
  await addRateLimit(app, config);
  addAnswers(app, service);
  rankRoutes(app, service);
  inferenceRoutes(app, service);
  adminRoutes(app, service);
  pageRoutes(app, service);
  return app;
}

/** A caller's own id where it is fit for a log, else a new one. */
function requestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[A-Za-z0-9_.:-]{1,128}$/.test(given) ? given : randomUUID();
}

function addGuards(app: FastifyInstance, config: ServingConfig): void {
  const ownerOf = keyRing(config.keys);
  const adminOf = keyRing(config.adminKeys);
  app.addHook('onRequest', async (request, reply) => {
    request.noted = {};
    void reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    const access = request.routeOptions.config?.access ?? 'key';
    if (access === 'open') return;
    if (access === 'admin' && config.adminKeys.length === 0)
      throw error('ADMIN_FORBIDDEN', { reason: 'no admin key is configured (adminKeys)' });
    if (access === 'key' && config.keys.length === 0) return;
    const key = keyOf(request.headers);
    if (key === undefined) throw error('KEY_INVALID', { found: 'none' });
    request.caller = adminOf(key) ?? ownerOf(key);
    if (request.caller === undefined) throw error('KEY_INVALID', { found: 'unknown' });
    if (access === 'admin' && adminOf(key) === undefined)
      throw error('ADMIN_FORBIDDEN', { reason: 'the key is not an admin key' });
  });
}

async function addRateLimit(app: FastifyInstance, { rateLimit: limit, workers }: ServingConfig): Promise<void> {
  if (limit === undefined) return;
  const { requests, seconds } = limit;
  await app.register(rateLimit, {
    // Each process counts alone and sees its share of the requests.
    max: Math.ceil(requests / workers),
    timeWindow: seconds * 1000,
    keyGenerator: ({ caller, ip }: FastifyRequest) => caller ?? ip,
    errorResponseBuilder: (_, { ttl }) =>
      error('RATE_LIMITED', { requests, seconds, retryAfter: Math.ceil(ttl / 1000) }),
  });
}

/** What happens after a route: errors as bodies, numbers, a line in the log. */
function addAnswers(app: FastifyInstance, { config, metrics, isReady }: Service): void {
  app.addHook('onSend', async (_, reply) => {
    if (!isReady()) void reply.header('connection', 'close');
  });
  app.setErrorHandler((cause, request, reply) => {
    const known = knownError(cause, request.headers['content-type'] ?? '', config);
    if (known === undefined) request.log.error({ request_id: request.id, err: cause }, 'internal error');
    const body = errorBody(known, request.noted.request_id ?? request.id);
    if (known?.code === 'SERVER_BUSY') void reply.header('retry-after', '1');
    if (known?.code === 'BODY_ENCODING') void reply.header('accept-encoding', 'gzip, deflate, br');
    if (known?.code === 'KEY_INVALID') void reply.header('www-authenticate', 'Bearer');
    request.noted = { ...request.noted, ...{ code: body.error.code } };
    void reply
      .code(known?.httpStatus ?? 500)
      .type('application/json; charset=utf-8')
      .send(request.url.startsWith('/v2') ? inferenceErrorBody(body) : body);
  });
  app.setNotFoundHandler({ preHandler: [] }, (request) => {
    throw error('ROUTE_UNKNOWN', { method: request.method, path: request.url.split('?')[0].slice(0, 200) });
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    const seconds = reply.elapsedTime / 1000;
    metrics.addRequest(request.method, route, reply.statusCode, seconds);
    if (config.log.requests === 'none') return;
    const isFailure = reply.statusCode >= 400;
    if (!isFailure && config.log.requests === 'failed') return;
    request.log[reply.statusCode >= 500 ? 'error' : 'info'](
      {
        request_id: request.id,
        route: `${request.method} ${route}`,
        status: reply.statusCode,
        took_ms: Math.round(reply.elapsedTime * 1000) / 1000,
        caller: request.caller,
        ...request.noted,
      },
      isFailure ? 'request refused' : 'request answered',
    );
  });
}

/** What is no HTTP, or came too slowly, is answered as far as there is somebody to answer. */
function answerSocket(cause: NodeJS.ErrnoException, socket: Socket, { limits }: ServingConfig): void {
  if (cause.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const known: TributaryError =
    cause.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? error('REQUEST_TIMEOUT', { seconds: limits.requestSeconds })
      : error('HTTP_INVALID', {
          reason: cause.code === 'HPE_HEADER_OVERFLOW' ? 'its headers are too large' : 'it is not HTTP',
        });
  const body = JSON.stringify(errorBody(known, randomUUID()));
  const reason = known.httpStatus === 408 ? 'Request Timeout' : 'Bad Request';
  socket.end(
    `HTTP/1.1 ${known.httpStatus} ${reason}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
