/** Ranks on two hosts: what they exchange crosses the network between them. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stepBytes } from '../../src/comm/cost.ts';
import { runRanks } from '../../src/comm/memory.ts';
import { rowsUsed, sizesOf } from '../train/ranks/traffic.ts';
import { apart, lossesOf, trainOver } from '../train/ranks/train.ts';
import { makeRun, prepareSmall, temporaryFolder } from '../train/support.ts';
import { contractProgram } from './contract-program.ts';
import { DEVICE, type Hosts, noHosts, twoHosts } from './hosts.ts';
import { linesOf, rankCommand, scriptCommand } from './mpi.ts';

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

  test.each(['replicated', 'sharded'] as const)(
    'with %s tables learn what one process learns, and send what the model of cost says, within 5 %',
    async (tables) => {
      const folder = temporaryFolder();
      try {
        const [ranks, batchSize] = [2, 4000];
        const data = await prepareSmall(folder.path, 50_000, 8000); // 10 steps
        const model = { key: 'shared-bottom', embeddingDim: 32, bottomDims: [64], towerDims: [32] };
        const train = { batchSize, evaluationBatchSize: batchSize, metricsEverySteps: 1, maxEpochs: 1, tables };
        const newRun = (name: string) => makeRun(join(folder.path, name), data, { threads: 1, model, train });
        const [run, alone] = [await newRun('hosts'), await newRun('alone')];
        await trainOver(alone, 1);
        const ended = await hosts.run(1, scriptCommand(resolve('test/train/ranks/counted-rank.ts'), run, DEVICE));
        expect(ended).toMatchObject({ code: 0, stderr: '' });
        expect(lossesOf(run)).toHaveLength(2 * 10);
        expect(apart(lossesOf(alone), lossesOf(run), Number.POSITIVE_INFINITY)).toBeLessThan(1e-5);

        const { dense, dimension } = await sizesOf(run, data);
        const steps = (await rowsUsed(data, batchSize, ranks)).slice(1); // from the end of the first one to that of the last
        const mean = (of: 'own' | 'owned'): number =>
          steps.flat().reduce((sum, used) => sum + used[of], 0) / steps.flat().length;
        const fields = 4;
        const sizes = { ranks, tables, batch: batchSize, fields, dimension, tableRows: 0, denseParameters: dense };
        const bytes = stepBytes(sizes, (_, draws) =>
          draws < batchSize * fields ? mean('own') : ranks * mean('owned'),
        );
        const expected = steps.length * (bytes.dense + bytes.toOwners + bytes.fromOwners);
        for (const { rank, sent } of linesOf(ended) as { rank: number; sent: number[] }[]) {
          const ratio = (sent[steps.length] - sent[0]) / expected;
          expect(Math.abs(ratio - 1), `rank ${rank}: ${ratio} of ${expected} bytes`).toBeLessThan(0.05);
        }
      } finally {
        folder.remove();
      }
    },
  );

  test('exchange what the model of cost says, within 5 %', async () => {
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
