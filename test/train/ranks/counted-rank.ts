/**
 * One rank of a training, which reads how many bytes its host has sent after each step. Arguments: the run, and the network device. Prints
 * one line of JSON.
 */
import { readFileSync, writeSync } from 'node:fs';
import { mpiCollective } from '../../../src/comm/mpi.ts';
import { followTraining, runTraining } from '../../../src/train/run/run.ts';

const [folder, device] = process.argv.slice(2);

/** Linux counts what a device received in the first column, and what it sent in the ninth. */
function bytesSent(): number {
  const line = readFileSync('/proc/self/net/dev', 'utf8')
    .split('\n')
    .find((text) => text.trim().startsWith(`${device}:`));
  return Number(line!.split(':')[1].trim().split(/\s+/)[8]);
}

const ranks = await mpiCollective();
const sent: number[] = [];
const shouldStop = (): boolean => sent.push(bytesSent()) < 0;
const request = { folder, ranks, shouldStop };
if (ranks.rank === 0) await runTraining({ ...request, emit: () => {} });
else await followTraining(request);
writeSync(1, `${JSON.stringify({ rank: ranks.rank, sent })}\n`);
await ranks.close();
