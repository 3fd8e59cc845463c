/** Who may look: programs of this machine, or holders of the token. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { error } from '../base/errors/index.ts';

export interface Access {
  host: string;
  /** Needed for a host other than loopback. */
  token?: string;
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]', '::1'];

/** @throws STUDIO_EXPOSED */
export function checkAccess({ host, token }: Access): void {
  if (token === undefined && !LOOPBACK.includes(host)) throw error('STUDIO_EXPOSED', { host });
}

/**
 * Without a token the page of a stranger could reach this server through the visitor's browser, under a name that the stranger's DNS turns to
 * 127.0.0.1 (DNS rebinding): only names of this machine are answered. With a token the cookie belongs to one name, and no other name helps.
 */
export function addAccess(app: FastifyInstance, { token }: Access): void {
  app.addHook('onRequest', async (request, reply) => {
    if (token === undefined) {
      const name = hostOf(request);
      if (!LOOPBACK.includes(name)) throw error('STUDIO_HOST', { host: name.slice(0, 200) });
      return;
    }
    const { pathname, searchParams } = new URL(request.url, 'http://studio');
    const given = searchParams.get('token') ?? bearerOf(request) ?? cookieOf(request);
    if (given === undefined) throw error('STUDIO_TOKEN', { found: 'none' });
    if (!isEqual(given, token)) throw error('STUDIO_TOKEN', { found: 'wrong' });
    if (!searchParams.has('token')) return;
    // The token leaves the address, so that it is in no history and no screenshot.
    void reply.header(
      'set-cookie',
      `${cookieName(request)}=${encodeURIComponent(token)}; HttpOnly; SameSite=Strict; Path=/`,
    );
    return reply.redirect(pathname, 303);
  });
}

/**
 * A form of another site must not make this server work.
 *
 * @throws STUDIO_ORIGIN
 */
export function checkOrigin({ headers }: FastifyRequest): void {
  const { origin, host } = headers;
  if (origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)) return;
  throw error('STUDIO_ORIGIN', { origin: origin.slice(0, 200) });
}

/** The name of a Host header, without its port. */
function hostOf({ headers }: FastifyRequest): string {
  return (headers.host ?? '').replace(/:\d*$/, '').toLowerCase();
}

const bearerOf = ({ headers }: FastifyRequest): string | undefined =>
  /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];

/** Cookies do not know ports: two studios of a machine must not take each other's. */
const cookieName = ({ socket }: FastifyRequest): string => `tributary-studio-${socket.localPort}`;

function cookieOf(request: FastifyRequest): string | undefined {
  const name = cookieName(request);
  for (const pair of (request.headers.cookie ?? '').split(/; */)) {
    const [key, value = ''] = pair.split('=');
    if (key === name) return safeDecode(value);
  }
  return undefined;
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const isEqual = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));

const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();
