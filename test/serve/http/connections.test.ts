/** Clients that hold what they do not use. */
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { artifact, type Client, REQUEST, serving } from '../support.ts';

/** A connection that sends what it is given and reads nothing. */
async function open(client: Client, text = ''): Promise<Socket & { ended: Promise<void> }> {
  const socket = connect(client.service.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  const ended = new Promise<void>((done) => void socket.once('close', done));
  await new Promise((done) => void socket.once('connect', done));
  if (text !== '') socket.write(text);
  return Object.assign(socket.pause(), { ended });
}

const many = (count: number, make: () => Promise<Socket & { ended: Promise<void> }>) =>
  Promise.all(Array.from({ length: count }, make));
const alive = (sockets: readonly Socket[]): number => sockets.filter(({ destroyed }) => !destroyed).length;
const post = (length: number): string =>
  `POST /v1/rank HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
const pause = (ms: number): Promise<void> => new Promise((done) => void setTimeout(done, ms));
const probe = (client: Client): Promise<unknown> =>
  client.ask('/v2/health/ready', undefined, { connection: 'close' }).then(({ status }) => status);

async function ends(client: Client): Promise<Record<string, number>> {
  const { text } = await client.ask('/metrics', undefined, { connection: 'close' });
  return Object.fromEntries(
    [...text.matchAll(/^tributary_connections_ended_total\{reason="(\w+)"\} (\d+)$/gm)].map(([, reason, n]) => [
      reason,
      Number(n),
    ]),
  );
}

test('silent connections and half-sent bodies make room: probes and requests are answered', async () => {
  const client = await serving([artifact().folder], { limits: { connections: 20 } });
  const silent = await many(30, () => open(client));
  expect(await probe(client)).toBe(200);
  const slow = await many(30, () => open(client, `${post(1000)}{"scen`));
  expect(await probe(client)).toBe(200);
  const headers = await many(30, () => open(client, 'GET /v2 HTTP/1.1\r\nx-a: '));
  for (let i = 0; i < 5; i++) expect(await probe(client)).toBe(200);
  expect((await client.ask('/v1/rank', REQUEST)).status).toBe(200);
  await pause(20);
  for (const sockets of [silent, slow, headers]) for (const socket of sockets) socket.resume();
  await pause(50);
  expect(alive([...silent, ...slow, ...headers])).toBeLessThanOrEqual(20);
  const { silent: ended } = await ends(client);
  expect(ended).toBeGreaterThan(40);
});

test('a connection in use stays while idle ones make room', async () => {
  const client = await serving([artifact().folder], { limits: { connections: 16 }, batching: { windowMs: 500 } });
  const body = JSON.stringify(REQUEST);
  const busy = await open(client, post(body.length) + body);
  await pause(100);
  await many(40, () => open(client));
  let answer = '';
  busy.resume().on('data', (data) => {
    answer += data;
  });
  await expect.poll(() => answer, { timeout: 5000 }).toMatch(/^HTTP\/1.1 200 /);
});

test('a client that does not read its answers is dropped', async () => {
  const client = await serving([artifact().folder], { limits: { answerSeconds: 0.5 } });
  const body = JSON.stringify({ ...REQUEST, items: Array.from({ length: 2000 }, (_, id) => ({ id, item: id % 60 })) });
  const socket = await open(client);
  // As many answers as the buffers of two sockets cannot take.
  for (let i = 0; i < 150; i++) socket.write(post(body.length) + body);
  await expect.poll(() => ends(client), { timeout: 10_000 }).toEqual({ unread: 1 });
  expect((await client.ask('/v1/rank', REQUEST)).status).toBe(200);
});

test('a client that reads slowly but in time gets its whole answer', async () => {
  const client = await serving([artifact().folder], { limits: { answerSeconds: 20 } });
  const body = JSON.stringify({ ...REQUEST, items: Array.from({ length: 5000 }, (_, id) => ({ id, item: id % 60 })) });
  const socket = await open(client, post(body.length) + body);
  await pause(300);
  let received = '';
  socket.on('data', (data) => {
    received += data;
  });
  socket.resume();
  await expect.poll(() => received.endsWith('}'), { timeout: 10_000 }).toBe(true);
  const length = Number(/content-length: (\d+)/i.exec(received)?.[1]);
  expect(received.length - received.indexOf('\r\n\r\n') - 4).toBe(length);
});

test('bodies on their way are bounded together: the oldest is refused, the newest answered', async () => {
  const client = await serving([artifact().folder], { limits: { openBytes: 4_000_000 } });
  const half = ' '.repeat(900_000);
  const slow: (Socket & { ended: Promise<void> })[] = [];
  const answers: string[] = [];
  for (let i = 0; i < 8; i++) {
    const socket = await open(client, post(1_000_000) + half);
    answers.push('');
    socket.resume().on('data', (data) => {
      answers[i] += data;
    });
    slow.push(socket);
    await pause(20);
  }
  await expect.poll(() => answers.filter((text) => text.includes('"SERVER_FULL"')).length).toBe(4);
  expect(answers.slice(0, 4).every((text) => text.startsWith('HTTP/1.1 503 '))).toBe(true);
  expect((await client.ask('/v1/rank', REQUEST)).status).toBe(200);
  for (const socket of slow.slice(4)) socket.end(`${' '.repeat(100_000 - 2)}{}`);
  await expect.poll(() => answers.slice(4).filter((text) => text.includes('REQUEST_INVALID')).length).toBe(4);
  const { text } = await client.ask('/metrics');
  expect(text).toMatch(/^tributary_open_bytes 0$/m);
});

test('idle connections are closed after a time', async () => {
  const client = await serving([artifact().folder], { limits: { idleSeconds: 0.2 } });
  const socket = await open(client, 'GET /v2/health/live HTTP/1.1\r\nhost: x\r\n\r\n');
  socket.resume();
  const before = performance.now();
  await socket.ended;
  expect(performance.now() - before).toBeLessThan(5000);
});
