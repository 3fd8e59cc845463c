/** One rank of a test. Argument: what it does. Prints one line of JSON. */
import { writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { TributaryError } from '../../src/base/errors/index.ts';
import type { Collective } from '../../src/comm/contract.ts';
import { mpiCollective } from '../../src/comm/mpi.ts';
import { contractProgram } from './contract-program.ts';

/** The part of the WebAssembly API used here, which Node's types lack. */
declare const WebAssembly: { Memory: new (pages: { initial: number }) => { readonly buffer: ArrayBuffer } };

const PROGRAMS: Record<string, (ranks: Collective) => Promise<object>> = {
  contract: async (ranks) => ({ bits: await contractProgram(ranks, 5, [0, 1, 5, 700, 5003]) }),
  /** What a step over ranks sends: gradients of all, and rows of tables. */
  async exchange(ranks) {
    const gradients = new Float32Array(1_000_000).fill(1);
    const [send, recv] = [new Float32Array(1_000_000), new Float32Array(1_000_000)];
    const counts = new Int32Array(ranks.size).fill(send.length / ranks.size);
    for (let step = 0; step < 10; step++) {
      await ranks.allReduce(gradients, 'sum');
      await ranks.allToAll(send, counts, recv, counts);
    }
    const { allReduce, allToAll } = ranks.bytesSent;
    return { bytes: allReduce + allToAll };
  },
  async 'bad root'(ranks) {
    await ranks.broadcast(new Uint8Array(1), 99);
    return {};
  },
  /** Views into memory of WebAssembly, where gradients are. */
  async wasm(ranks) {
    const { buffer } = new WebAssembly.Memory({ initial: 2 });
    const values = new Float32Array(buffer, 64, 5000).fill(ranks.rank + 1);
    await ranks.allReduce(values, 'sum');
    const outside = new Float32Array(buffer, 64 + values.byteLength);
    return { sums: [...new Set(values)], isRestUntouched: outside.every((value) => value === 0) };
  },
};

// In one write: lines of several ranks must not mix.
const print = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);

try {
  const ranks = await mpiCollective();
  const { rank, size, version } = ranks;
  print({ rank, size, version, host: hostname(), ...(await PROGRAMS[process.argv[2]](ranks)) });
  await ranks.close();
} catch (cause) {
  if (!(cause instanceof TributaryError)) throw cause;
  print({ code: cause.code, message: cause.message });
  process.exitCode = cause.exitCode;
}
