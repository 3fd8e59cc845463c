/** The collective of a program that runs alone: one rank, nothing to wait for. */
import { checkAllGather, checkAllToAll } from './check.ts';
import type { Collective } from './contract.ts';
import { noTraffic } from './traffic.ts';

export const localCollective = (): Collective => ({
  rank: 0,
  size: 1,
  bytesSent: noTraffic(),
  async allReduce() {},
  async allToAll(send, sendCounts, recv, recvCounts) {
    checkAllToAll(1, send, sendCounts, recv, recvCounts);
    recv.set(send.subarray(0, sendCounts[0]));
  },
  async allGather(values, counts) {
    checkAllGather(1, values, counts);
  },
  async broadcast() {},
  async barrier() {},
  async idleBarrier() {},
  async close() {},
});
