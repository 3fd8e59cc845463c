/** Keys and the rate limit: who may use which route, and how often. */
import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { error } from '../../base/errors/index.ts';
import type { ServingConfig } from '../../config/serving.ts';
import { createCounter } from './counter.ts';
import { keyOf, keyRing } from './keys.ts';

/**
 * Who may use a route: everybody; where keys are configured, holders of a key that may rank (`key`) or send events (`events`); or
 * holders of an admin key.
 */
export type Access = 'open' | 'key' | 'events' | 'admin';

/** Counts a request that no hook sees. Throws RATE_LIMITED. */
export type Count = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/**
 * Checks the key of each request and counts the request: with a known key under the key's name, otherwise under the address.
 * Requests with wrong keys and to unknown routes therefore use up the limit of their address, never that of a key. Open
 * routes are not counted, nor are admin routes with an admin key.
 */
export async function addAccess(app: FastifyInstance, config: ServingConfig): Promise<Count> {
  const ownerOf = keyRing(config.keys);
  const adminOf = keyRing(config.adminKeys);
  const count = await limiter(app, config);
  const check = (request: FastifyRequest, access: Exclude<Access, 'open'>, key?: string, admin?: string): void => {
    if (access === 'admin' && config.adminKeys.length === 0)
      throw error('ADMIN_FORBIDDEN', { reason: 'no admin key is configured (adminKeys)' });
    if (access !== 'admin' && config.keys.length === 0) return;
    if (request.caller === undefined) throw error('KEY_INVALID', { found: key === undefined ? 'none' : 'unknown' });
    if (access === 'admin' && admin === undefined)
      throw error('ADMIN_FORBIDDEN', { reason: 'the key is not an admin key' });
    if (access !== 'admin' && admin === undefined && !mayUse(config, request.caller, access))
      throw error('KEY_SCOPE', { key: request.caller, scope: SCOPES[access] });
  };
  app.addHook('onRequest', (request, reply, done) => {
    const access = request.routeOptions.config?.access ?? 'key';
    if (access === 'open') return done();
    const key = keyOf(request.headers);
    const admin = key === undefined ? undefined : adminOf(key);
    request.caller = admin ?? (key === undefined ? undefined : ownerOf(key));
    if (count === undefined || (access === 'admin' && admin !== undefined)) {
      check(request, access, key, admin);
      return done();
    }
    const counted = async (): Promise<void> => {
      await count.call(app, request, reply);
      check(request, access, key, admin);
    };
    counted().then(() => done(), done);
  });
  return async (request, reply) => void (await count?.call(app, request, reply));
}

const SCOPES = { key: 'rank', events: 'events' } as const;

/** Has a key of this name the scope of the route? */
const mayUse = ({ keys }: ServingConfig, name: string, access: keyof typeof SCOPES): boolean =>
  keys.some((key) => key.name === name && key.scopes.includes(SCOPES[access]));

async function limiter(app: FastifyInstance, { rateLimit: limit, workers }: ServingConfig) {
  if (limit === undefined) return undefined;
  const { requests, seconds } = limit;
  await app.register(rateLimit, {
    global: false,
    // Each process counts the requests that it gets: its share of all.
    max: Math.ceil(requests / workers),
    timeWindow: seconds * 1000,
    store: createCounter(),
    // IPv6 addresses count by their network of 64 bits.
    keyGenerator: ({ caller, ip }: FastifyRequest) => (caller === undefined ? normalizeIP(ip) : `key ${caller}`),
    errorResponseBuilder: (_, { ttl }) =>
      error('RATE_LIMITED', { requests, seconds, retryAfter: Math.ceil(ttl / 1000) }),
  });
  return app.rateLimit();
}

/**
 * Which hops in front of this server are proxies. The client's address is the one that the outermost proxy wrote into
 * X-Forwarded-For; entries before it were sent by the client and may be forged.
 */
export function trustedProxies({
  trustProxy,
}: ServingConfig): false | string[] | ((address: string, hop: number) => boolean) {
  if (trustProxy === false || Array.isArray(trustProxy)) return trustProxy;
  const count = Number(trustProxy);
  return (_, hop) => hop < count;
}
