/**
 * Load for an HTTP service over connections that stay open. HTTP is written and read by hand: a client that costs as much as the
 * server would measure itself on a machine that both share.
 *
 * Closed loop: each connection sends its next request when it has its answer; this finds the maximum throughput. Open loop:
 * requests are due at fixed times whether or not earlier ones are answered, and latency counts from when they were due, so
 * that a stall counts for every request that fell into it.
 */
import { connect, type Socket } from 'node:net';

export interface LoadOptions {
  host: string;
  port: number;
  path: string;
  /** Sent in turn. */
  bodies: readonly string[];
  headers?: Record<string, string>;
  connections: number;
  seconds: number;
  /** Requests a second (open loop). Default: as many as are answered (closed loop). */
  rate?: number;
}

export interface LoadResult {
  /** Of requests answered with 200, milliseconds. */
  latencies: number[];
  /** Answers with another status than 200, and broken connections. */
  failures: number;
  /** Until the last answer. */
  seconds: number;
}

export async function generateLoad(options: LoadOptions): Promise<LoadResult> {
  const requests = options.bodies.map((body) => requestText(options, body));
  const latencies: number[] = [];
  let failures = 0;
  let next = 0;
  const start = performance.now();
  const end = start + options.seconds * 1000;

  /** When the next request is due; undefined when time is over. */
  const due = (): number | undefined => {
    const at = options.rate === undefined ? performance.now() : start + (next * 1000) / options.rate;
    return at < end ? at : undefined;
  };
  const loop = async (): Promise<void> => {
    const connection = await open(options.host, options.port);
    for (let at = due(); at !== undefined; at = due()) {
      const request = requests[next++ % requests.length];
      const wait = at - performance.now();
      if (wait > 0.5) await new Promise((done) => setTimeout(done, wait));
      // A timer may fire a millisecond early.
      const from = Math.min(at, performance.now());
      const status = await connection.ask(request);
      if (status === 200) latencies.push(performance.now() - from);
      else failures++;
      if (status === undefined) break;
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: options.connections }, loop));
  return { latencies, failures, seconds: (performance.now() - start) / 1000 };
}

function requestText({ host, path, headers = {} }: LoadOptions, body: string): Buffer {
  const all = {
    host,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${head.join('')}\r\n${body}`);
}

interface Connection {
  /** The status of the answer; undefined if the connection broke. */
  ask(request: Buffer): Promise<number | undefined>;
  close(): void;
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** One request at a time; answers have a Content-Length. */
function open(host: string, port: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ host, port, noDelay: true }, () =>
      resolve({ ask, close: () => void socket.destroy() }),
    );
    let answered: (status: number | undefined) => void = () => {};
    let status = 0;
    let missing = -1; // bytes of the answer still to come; -1 while its head is not complete
    let head = Buffer.alloc(0);
    const ask = (request: Buffer): Promise<number | undefined> =>
      new Promise((done) => {
        answered = done;
        if (socket.destroyed) done(undefined);
        else socket.write(request);
      });
    socket.on('data', (data) => {
      if (missing < 0) {
        head = head.length === 0 ? data : Buffer.concat([head, data]);
        const end = head.indexOf(HEAD_END);
        if (end < 0) return;
        const text = head.toString('latin1', 0, end);
        status = Number(text.slice(9, 12));
        missing = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0) - (head.length - end - HEAD_END.length);
        head = Buffer.alloc(0);
      } else missing -= data.length;
      if (missing > 0) return;
      missing = -1;
      answered(status);
    });
    socket.on('error', reject);
    socket.on('close', () => answered(undefined));
  });
}
