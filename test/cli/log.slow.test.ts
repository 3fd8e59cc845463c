import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadServing } from '../../src/config/load-serving.ts';
import { lineOf } from '../../src/events/line.ts';
import { openSink } from '../../src/events/open.ts';
import { openSegments } from '../../src/events/segments/folder.ts';
import { hashUnit } from '../../src/events/unit.ts';
import { impression, interaction } from '../events/examples.ts';
import { PASSWORD, redisServer } from '../events/servers.ts';
import { interrupted, type Outcome, tributary } from './spawn.ts';

async function written(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const log = openSegments(folder);
  await log.append([lineOf(impression(1)), lineOf(interaction(1)), lineOf(impression(2))]);
  await log.append([lineOf(impression(3, { unit: hashUnit('Ann', 'salt') }))]);
  await log.close();
  return folder;
}

test('log check, forget and prune from the command line', async () => {
  const folder = await written();
  const ask = (...words: string[]) => tributary(['log', ...words, '--json'], { prefix: ['env', 'UNIT_SALT=salt'] });
  const result = ({ out }: Outcome) => JSON.parse(out.trim().split('\n').at(-1) ?? '');
  expect(result(ask('check', folder))).toMatchObject({ segments: 1, events: { impression: 3, interaction: 1 } });
  expect(result(ask('forget', folder, '--unit', 'user 1'))).toMatchObject({ events: 2, left: 0 });
  expect(result(ask('forget', folder, '--unit', 'Ann', '--hash', 'env:UNIT_SALT'))).toMatchObject({ events: 1 });
  expect(ask('forget', folder, '--unit', 'Ann', '--hash', 'env:NO_SALT')).toMatchObject({ code: 2 });
  const open = openSegments(folder);
  await open.append([lineOf(impression(1))]);
  const left = ask('forget', folder, '--unit', 'user 1');
  expect(result(left)).toMatchObject({ event: 'error', code: 'EVENT_LOG_OPEN' });
  expect(left.code).toBe(6);
  const waiting = interrupted(['log', 'forget', folder, '--unit', 'user 1', '--wait', '--json'], () => false);
  setTimeout(() => void open.close(), 700);
  expect(result(await waiting)).toMatchObject({ events: 1, left: 0 });
  expect(result(ask('prune', folder, '--older-than', '1d'))).toMatchObject({ segments: 0 });
  const [name] = readdirSync(folder);
  writeFileSync(join(folder, name), 'nonsense\n', { flag: 'a' });
  const damaged = ask('check', folder);
  expect(result(damaged)).toMatchObject({ event: 'error', code: 'EVENT_LOG_DAMAGED' });
  expect(damaged.code).toBe(4);
});

test('the log of a server is named by the serving configuration', async ({ skip }) => {
  const server = await redisServer();
  if (server === undefined) return skip('redis-server is not installed on this machine');
  onTestFinished(() => server.remove());
  const folder = mkdtempSync(join(tmpdir(), 'tributary-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const config = join(folder, 'serving.json');
  writeFileSync(config, JSON.stringify({ events: { sink: 'redis', url: 'env:TEST_LOG_URL' } }));
  process.env.TEST_LOG_URL = server.url(server.port);
  onTestFinished(() => void delete process.env.TEST_LOG_URL);
  const { events } = await loadServing(config);
  if (events === undefined) throw new Error('the block is gone');
  const { sink } = openSink(events);
  await sink.append([lineOf(impression(1)), lineOf(interaction(1)), lineOf(impression(2))]);
  await sink.close();
  const log = 'stream tributary:events of Redis (TEST_LOG_URL)';
  const ask = (...words: string[]) => tributary(['log', ...words]);
  expect(ask('check', config).out).toContain(`${log}: `);
  expect(ask('forget', config, '--unit', 'user 1').out).toContain(`2 events of the unit were deleted from ${log}`);
  expect(ask('prune', config, '--older-than', '1d').out).toContain('0 events before');
  await server.stop();
  const { code, out, err } = ask('check', config);
  expect(code).toBe(6);
  expect(err).toContain(log);
  expect(out + err).not.toContain(PASSWORD);
  expect(out + err).not.toContain(encodeURIComponent(PASSWORD));
  writeFileSync(config, '{}');
  expect(ask('check', config).err).toContain('logs no events');
});
