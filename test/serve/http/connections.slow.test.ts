/** A service as users start it, under clients that hold what they do not use. */
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startCommand } from '../command.ts';
import { artifact, REQUEST } from '../support.ts';

const POST =
  'POST /v1/rank HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{"scenario":';

test('a process that may open 1024 files answers probes and requests beside 1,100 connections of each kind', async () => {
  const { address } = await startCommand(artifact().folder, 1, {}, { openFiles: 1024 });
  const port = Number(new URL(address).port);
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  const hold = async (text: string): Promise<void> => {
    await Promise.all(
      Array.from({ length: 1100 }, () => {
        const socket = connect(port, '127.0.0.1').on('error', () => {});
        sockets.push(socket);
        return new Promise<void>((done) => {
          socket.once('connect', () => {
            if (text !== '') socket.write(text);
            done();
          });
        });
      }),
    );
  };
  let slowest = 0;
  for (const text of [
    '',
    'GET /v2/health/live HTTP/1.1\r\nx-a: ',
    POST,
    'GET /v2/health/live HTTP/1.1\r\nhost: x\r\n\r\n',
  ]) {
    await hold(text);
    for (let i = 0; i < 20; i++) {
      const before = performance.now();
      const probe = await fetch(`${address}/v2/health/ready`, { headers: { connection: 'close' } });
      expect([text, probe.status]).toEqual([text, 200]);
      const body = JSON.stringify(REQUEST);
      const headers = { 'content-type': 'application/json', connection: 'close' };
      const ranked = await fetch(`${address}/v1/rank`, { method: 'POST', headers, body });
      expect([text, ranked.status]).toEqual([text, 200]);
      slowest = Math.max(slowest, performance.now() - before);
    }
  }
  console.log(JSON.stringify({ slowestMs: Math.round(slowest) }));
  expect(slowest).toBeLessThan(5000); // without limits a probe waits for the 10 s that the others have
});
