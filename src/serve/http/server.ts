/** The HTTP server of one process: limits, keys, bodies, errors and the log around the routes. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
} from 'fastify';
import { error, type TributaryError } from '../../base/errors/index.ts';
import { adminRoutes } from '../routes/admin.ts';
import type { RouteContext } from '../routes/context.ts';
import { eventRoutes } from '../routes/events.ts';
import { experimentRoutes } from '../routes/experiments.ts';
import { featureRoutes } from '../routes/features.ts';
import { flagRoutes } from '../routes/flags.ts';
import { inferenceRoutes } from '../routes/inference.ts';
import { addOpenApi } from '../routes/openapi.ts';
import { pageRoutes } from '../routes/pages.ts';
import { rankRoutes } from '../routes/rank.ts';
import { addAccess, type Count, trustedProxies } from './access.ts';
import { addBodies } from './body.ts';
import { type Connections, watchConnections } from './connections.ts';
import { type ErrorBody, errorBody, flagErrorBody, inferenceErrorBody, knownError } from './http-errors.ts';
import { logStream } from './log.ts';
import { createRefusalLog } from './refusal-log.ts';

/** A server that does not listen yet. Closing it answers open requests first. */
export async function buildServer(service: RouteContext): Promise<FastifyInstance> {
  const { config } = service;
  const { limits, log } = config;
  let count: Count = async () => {};
  const app = fastify({
    logger: log.level === 'silent' ? false : { level: log.level, stream: logStream, base: { pid: process.pid } },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestSeconds * 1000,
    connectionTimeout: 0,
    keepAliveTimeout: limits.idleSeconds * 1000,
    http: { headersTimeout: limits.requestSeconds * 1000, connectionsCheckingInterval: 500 },
    trustProxy: trustedProxies(config),
    genReqId: requestId,
    routerOptions: { maxParamLength: 256 },
    schemaController: { compilersFactory: SCHEMAS_DOCUMENT },
    return503OnClosing: false, // requests that arrive while the server closes are answered
    forceCloseConnections: 'idle',
    clientErrorHandler: (cause, socket) => answerSocket(cause, socket, service),
    // Paths that cannot be parsed: hooks do not run for them.
    frameworkErrors: (cause, request, reply) => {
      const refuse = (why: unknown): void => {
        const known = knownError(why, '', config);
        service.metrics.addRefusal(known?.code ?? 'INTERNAL');
        void (reply as FastifyReply).code(known?.httpStatus ?? 500).send(errorBody(known, request.id));
      };
      count(request, reply as FastifyReply).then(() => refuse(cause), refuse);
    },
  });
  app.decorateRequest('caller', undefined);
  app.decorateRequest('noted');
  const connections = watchConnections(app.server, limits, service.metrics);
  app.addHook('onClose', async () => connections.close());
  addHeaders(app);
  count = await addAccess(app, config);
  addUnknownRoutes(app);
  addBodies(app, config, service.models, connections);
  addAnswers(app, service, connections);
  await addOpenApi(app);
  const all = [
    rankRoutes,
    eventRoutes,
    inferenceRoutes,
    adminRoutes,
    featureRoutes,
    experimentRoutes,
    flagRoutes,
    pageRoutes,
  ];
  for (const routes of all) await app.register(routes, service);
  return app;
}

/**
 * Schemas of routes document them; nothing is checked or cut by them.
 *
 * Requests: our own checks name the first mistakes by path, at a cost that a stranger cannot raise, and answer with codes of
 * the catalogue. Answers: for 100 candidates JSON.stringify takes 51 us and fast-json-stringify 80 us with the schema of the
 * model, 131 us with that of any model (Node 20: nearly all of it is turning numbers into text), and a property that a schema
 * does not have would be lost silently. Without fastify's own compilers a process also starts 40 ms sooner.
 */
const SCHEMAS_DOCUMENT = {
  buildValidator: () => () => () => true,
  buildSerializer: () => () => (answer: unknown) => JSON.stringify(answer),
} as unknown as NonNullable<FastifyServerOptions['schemaController']>['compilersFactory'];

/** The caller's own id if it is fit for a log, else a new one. */
function requestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[A-Za-z0-9_.:-]{1,128}$/.test(given) ? given : randomUUID();
}

function addHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    request.noted = {};
    void reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    done();
  });
}

/** Refuses unknown routes after the key was checked and before a body is read. */
function addUnknownRoutes(app: FastifyInstance): void {
  app.addHook('onRequest', ({ is404, method, url }, _, done) => {
    if (is404) throw error('ROUTE_UNKNOWN', { method, path: url.split('?')[0].slice(0, 200) });
    done();
  });
}

/** After a route: turns errors into answers, counts, and writes the log. */
function addAnswers(app: FastifyInstance, { config, metrics, isReady }: RouteContext, connections: Connections): void {
  const { log } = config;
  const refusals = createRefusalLog(log.refusalsPerSecond, (code, count) =>
    app.log.info({ code, left_out: count }, 'more requests refused'),
  );
  app.addHook('onSend', (request, reply, payload, done) => {
    if (!isReady()) void reply.header('connection', 'close');
    if (typeof payload === 'string') connections.holdAnswer(request.raw, payload.length);
    done();
  });
  app.setErrorHandler((cause, request, reply) => {
    const known = knownError(cause, request.headers['content-type'] ?? '', config);
    const body = errorBody(known, request.noted.request_id ?? request.id);
    const { code } = body.error;
    if (known === undefined)
      refusals.add('INTERNAL', () =>
        request.log.error({ request_id: request.id, err: shownCause(cause) }, 'internal error'),
      );
    if (known?.httpStatus === 503) void reply.header('retry-after', '1');
    if (code === 'BODY_ENCODING') void reply.header('accept-encoding', 'gzip, deflate, br');
    if (code === 'KEY_INVALID') void reply.header('www-authenticate', 'Bearer');
    metrics.addRefusal(code);
    request.noted = { ...request.noted, code };
    void reply
      .code(known?.httpStatus ?? 500)
      .type('application/json; charset=utf-8')
      .send(inProtocol(request, body));
  });
  app.addHook('onResponse', (request, reply, done) => {
    done();
    const route = request.routeOptions.url ?? 'none';
    metrics.addRequest(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
    const isRefused = reply.statusCode >= 400;
    if (log.requests === 'none' || (!isRefused && log.requests === 'failed')) return;
    const write = (): void =>
      request.log[reply.statusCode >= 500 ? 'error' : 'info'](
        {
          request_id: request.id,
          route: `${request.method} ${route}`,
          status: reply.statusCode,
          took_ms: Math.round(reply.elapsedTime * 1000) / 1000,
          caller: request.caller,
          ...request.noted,
        },
        isRefused ? 'request refused' : 'request answered',
      );
    if (isRefused) refusals.add(request.noted.code ?? String(reply.statusCode), write);
    else write();
  });
  app.addHook('onClose', async () => refusals.close());
}

/** Protocols have errors of their own form. */
function inProtocol({ url, params }: FastifyRequest, body: ErrorBody): object {
  if (url.startsWith('/ofrep')) return flagErrorBody(body, (params as { key?: string }).key);
  return url.startsWith('/v2') ? inferenceErrorBody(body) : body;
}

/** A fault of the server as the log shows it, its texts cut short. */
const shownCause = (cause: unknown): object => {
  const { name, message, stack } = cause instanceof Error ? cause : new Error(String(cause));
  return { type: name, message: message.slice(0, 1000), stack: stack?.slice(0, 4000) };
};

/** Answers malformed and timed-out connections while the socket is writable, then closes it. */
function answerSocket(cause: NodeJS.ErrnoException, socket: Socket, { config, metrics }: RouteContext): void {
  if (cause.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const known: TributaryError =
    cause.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? error('REQUEST_TIMEOUT', { seconds: config.limits.requestSeconds })
      : error('HTTP_INVALID', {
          reason: cause.code === 'HPE_HEADER_OVERFLOW' ? 'its headers are too large' : 'it is not HTTP',
        });
  metrics.addRefusal(known.code);
  const body = JSON.stringify(errorBody(known, randomUUID()));
  const reason = known.httpStatus === 408 ? 'Request Timeout' : 'Bad Request';
  socket.write(
    `HTTP/1.1 ${known.httpStatus} ${reason}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  // Not `end`: the client might keep its side open for ever.
  socket.destroySoon();
}
