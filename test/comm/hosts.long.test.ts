/** Ranks on two hosts: what they exchange crosses the network between them. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runRanks } from '../../src/comm/memory.ts';
import { trainOver } from '../train/ranks/train.ts';
import { makeRun, prepareSmall, temporaryFolder } from '../train/support.ts';
import { contractProgram } from './contract-program.ts';
import { type Hosts, noHosts, twoHosts } from './hosts.ts';
import { linesOf, rankCommand } from './mpi.ts';

const reason = noHosts();
let hosts: Hosts;

if (reason !== undefined) test.skip(`skipped: ${reason}`, () => {});
else {
  beforeAll(() => {
    hosts = twoHosts();
  });
  afterAll(() => hosts.close());

  test('keep the contract, with the bits of ranks in memory', async () => {
    const ended = await hosts.run(2, rankCommand('contract'));
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const lines = linesOf(ended);
    const inMemory = await runRanks(4, (ranks) => contractProgram(ranks, 5, [0, 1, 5, 700, 5003]));
    expect(lines.map(({ bits }) => bits)).toEqual(inMemory);
    expect(new Set(lines.map(({ host }) => host))).toEqual(new Set(hosts.names));
  });

  test('train a model, with the bits of ranks in memory', async () => {
    const folder = temporaryFolder();
    try {
      const data = await prepareSmall(folder.path);
      const newRun = (name: string) => makeRun(join(folder.path, name), data, { threads: 1, train: { maxEpochs: 1 } });
      const [run, inMemory] = [await newRun('hosts'), await newRun('memory')];
      await trainOver(inMemory, 2);
      const before = hosts.sent();
      const command = [process.execPath, resolve('bin/tributary.js'), 'resume', run, '--json'];
      expect(await hosts.run(1, command)).toMatchObject({ code: 0, stderr: '' });
      const bits = (of: string): Buffer => readFileSync(join(of, 'model.safetensors'));
      expect(bits(run).equals(bits(inMemory))).toBe(true);
      for (const [host, sent] of hosts.sent().entries()) expect(sent - before[host]).toBeGreaterThan(100_000);
    } finally {
      folder.remove();
    }
  });

  test('send what the model of cost says, within 5 %', async () => {
    const before = hosts.sent();
    const ended = await hosts.run(1, rankCommand('exchange'));
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const counted = linesOf(ended).map((line) => line.bytes as number);
    hosts.sent().forEach((sent, host) => {
      const ratio = (sent - before[host]) / counted[host];
      expect(ratio).toBeGreaterThan(1); // headers of TCP and of MPI are not payload
      expect(ratio).toBeLessThan(1.05);
    });
  });
}
