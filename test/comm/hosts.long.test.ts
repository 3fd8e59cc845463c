/** Ranks on two hosts: what they exchange crosses the network between them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runRanks } from '../../src/comm/memory.ts';
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
