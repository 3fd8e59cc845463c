/**
 * Limits the connections of a process and the bytes of bodies and answers held for them. When a limit is reached, the newcomer is
 * accepted and another connection is closed: a silent one, one whose body does not arrive, or one that does not read its
 * answer; the oldest first, and those of the busiest address before others. Health probes therefore get through while one
 * client holds all connections.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { normalizeIP } from '@fastify/rate-limit';
import { error, type TributaryError } from '../../base/errors/index.ts';
import type { ServingConfig } from '../../config/serving.ts';
import type { ConnectionEnd, ServerMetrics } from '../metrics/server-metrics.ts';

/** Files that a process opens in addition to connections: graphs, tables, other processes. */
const OTHER_FILES = 128;
const FEWEST = 16;
/** A connection younger than this may be about to send its request, so it is closed last; a younger answer may still be read. */
const GRACE_MS = 1000;
const SWEEP_MS = 250;

export interface Connections {
  /** Sets the bytes of a body that are in memory. While the body arrives, `refuse` gives it up. */
  holdBody(request: IncomingMessage, bytes: number, refuse?: (cause: TributaryError) => void): void;
  /** An answer of `bytes` bytes is being sent. */
  holdAnswer(request: IncomingMessage, bytes: number): void;
  close(): void;
}

interface Connection {
  socket: Socket;
  address: string;
  /** When the last exchange ended, ms. */
  since: number;
  /** Has it ever sent a request? */
  isUsed: boolean;
  exchanges: Set<Exchange>;
}

/** A request and its answer. */
interface Exchange {
  connection: Connection;
  /** When the request began or, later, its answer, ms. */
  since: number;
  bytes: number;
  phase: 'arriving' | 'computing' | 'leaving';
  refuse?: (cause: TributaryError) => void;
}

const CONNECTION = Symbol('connection');
const EXCHANGE = Symbol('exchange');
type Watched = Socket & { [CONNECTION]?: Connection };
type Asked = IncomingMessage & { [EXCHANGE]?: Exchange };

type Limits = ServingConfig['limits'];

export function watchConnections(server: Server, limits: Limits, metrics: ServerMetrics): Connections {
  const most = Math.max(FEWEST, Math.min(limits.connections, openFiles() - OTHER_FILES));
  const connections = new Set<Connection>();
  const perAddress = new Map<string, number>();
  let bytes = 0;

  const count = (address: string, change: number): void => {
    const left = (perAddress.get(address) ?? 0) + change;
    if (left > 0) perAddress.set(address, left);
    else perAddress.delete(address);
  };

  const hold = (exchange: Exchange, held: number): void => {
    bytes += held - exchange.bytes;
    exchange.bytes = held;
    metrics.setOpen(connections.size, bytes);
  };

  const finish = (exchange: Exchange): void => {
    if (!exchange.connection.exchanges.delete(exchange)) return;
    exchange.connection.since = performance.now();
    hold(exchange, 0);
  };

  const forget = (connection: Connection): void => {
    if (!connections.delete(connection)) return;
    count(connection.address, -1);
    for (const exchange of connection.exchanges) finish(exchange);
    metrics.setOpen(connections.size, bytes);
  };

  const end = (connection: Connection, reason: ConnectionEnd): void => {
    metrics.addConnectionEnd(reason);
    connection.socket.destroy();
    forget(connection); // now: the next connection may come before this one has closed
  };

  /** Gives up the slowest exchanges until the bytes are within the limit. */
  const relieve = (): void => {
    while (bytes > limits.openBytes) {
      const slowest = slowestOf(connections);
      if (slowest === undefined) return;
      const { connection, refuse } = slowest;
      if (refuse === undefined) end(connection, 'unread');
      else {
        metrics.addConnectionEnd('slow');
        Object.assign(slowest, { phase: 'computing', refuse: undefined });
        hold(slowest, 0);
        refuse(error('SERVER_FULL', { limit: limits.openBytes }));
      }
    }
  };

  server.on('connection', (socket: Socket) => {
    const address = normalizeIP(socket.remoteAddress ?? '');
    const connection: Connection = { socket, address, since: performance.now(), isUsed: false, exchanges: new Set() };
    connections.add(connection);
    (socket as Watched)[CONNECTION] = connection;
    count(address, 1);
    socket.once('close', () => forget(connection));
    if (connections.size > most) {
      const weakest = weakestOf(connections, perAddress);
      if (weakest === undefined || weakest.connection === connection) end(connection, 'full');
      else end(weakest.connection, weakest.reason);
    }
    metrics.setOpen(connections.size, bytes);
  });

  // Before fastify's own listener.
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const connection = (request.socket as Watched)[CONNECTION];
    if (connection === undefined) return;
    const exchange: Exchange = { connection, since: performance.now(), bytes: 0, phase: 'computing' };
    connection.exchanges.add(exchange);
    connection.isUsed = true;
    (request as Asked)[EXCHANGE] = exchange;
    response.once('close', () => finish(exchange));
  });

  const sweep = setInterval(() => {
    const latest = performance.now() - limits.answerSeconds * 1000;
    for (const connection of connections)
      for (const { phase, since } of connection.exchanges)
        if (phase === 'leaving' && since < latest) end(connection, 'unread');
    relieve();
  }, SWEEP_MS).unref();

  return {
    holdBody(request, held, refuse) {
      const exchange = (request as Asked)[EXCHANGE];
      if (exchange === undefined) return;
      exchange.phase = refuse === undefined ? 'computing' : 'arriving';
      exchange.refuse = refuse;
      hold(exchange, held);
      relieve();
    },
    holdAnswer(request, held) {
      const exchange = (request as Asked)[EXCHANGE];
      if (exchange === undefined) return;
      exchange.phase = 'leaving';
      exchange.since = performance.now();
      exchange.refuse = undefined;
      hold(exchange, held);
      relieve();
    },
    close: () => clearInterval(sweep),
  };
}

interface Weakest {
  connection: Connection;
  reason: ConnectionEnd;
  /** The lowest rank is closed first. */
  rank: number;
  since: number;
}

/** The connection to close for another one. Undefined if requests of all are being computed. */
function weakestOf(connections: Iterable<Connection>, addresses: Map<string, number>): Weakest | undefined {
  const now = performance.now();
  let weakest: Weakest | undefined;
  for (const connection of connections) {
    const found = weaknessOf(connection, now);
    if (found !== undefined && (weakest === undefined || isWeaker(found, weakest, addresses))) weakest = found;
  }
  return weakest;
}

function weaknessOf(connection: Connection, now: number): Weakest | undefined {
  const { exchanges, isUsed } = connection;
  if (exchanges.size === 0) {
    const { since } = connection;
    const isYoung = now - since < GRACE_MS;
    return { connection, since, reason: isUsed ? 'idle' : 'silent', rank: isYoung ? 3 : isUsed ? 1 : 0 };
  }
  let since = now;
  for (const exchange of exchanges) {
    if (exchange.phase === 'computing') return undefined;
    since = Math.min(since, exchange.since);
  }
  return { connection, since, reason: 'slow', rank: now - since < GRACE_MS ? 4 : 2 };
}

function isWeaker(a: Weakest, b: Weakest, addresses: Map<string, number>): boolean {
  if (a.rank !== b.rank) return a.rank < b.rank;
  const [ofA, ofB] = [a, b].map(({ connection }) => addresses.get(connection.address) ?? 0);
  return ofA === ofB ? a.since < b.since : ofA > ofB;
}

/** The exchange that has taken longest: an arriving body, or an answer that its client had time to read. */
function slowestOf(connections: Iterable<Connection>): Exchange | undefined {
  const late = performance.now() - GRACE_MS;
  let slowest: Exchange | undefined;
  for (const { exchanges } of connections)
    for (const exchange of exchanges) {
      const { phase, since } = exchange;
      const isSlow = phase === 'arriving' || (phase === 'leaving' && since < late);
      if (isSlow && (slowest === undefined || since < slowest.since)) slowest = exchange;
    }
  return slowest;
}

/** How many files a process may open; infinite where the system does not say. */
function openFiles(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
