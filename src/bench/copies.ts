/** Do two threads get two cores? Virtual cores often share one core; then no measurement of two threads means much. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** A loop that no compiler shortens and that touches no memory. The thread reports when it is ready, and runs the loop for each message. */
const PROGRAM = `
const { parentPort } = require('node:worker_threads');
const loop = (turns) => {
  let x = 1;
  for (let i = 0; i < turns; i++) x = (Math.imul(x, 1664525) + 1013904223) | 0;
  return x;
};
loop(1e6);
parentPort.on('message', (turns) => {
  const started = performance.now();
  loop(turns);
  parentPort.postMessage(performance.now() - started);
});
parentPort.postMessage('ready');
`;

/** About a quarter of a second. */
const TURNS = 200_000_000;

/** Time of a fixed loop run twice at once, over its time alone: 1 on two free cores, 2 on one. */
export async function twoCopies(turns = TURNS): Promise<number> {
  const workers = await Promise.all([start(), start()]);
  try {
    const alone = await time(workers[0], turns);
    const together = await Promise.all(workers.map((worker) => time(worker, turns)));
    return Math.max(...together) / alone;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

async function start(): Promise<Worker> {
  const worker = new Worker(PROGRAM, { eval: true });
  await once(worker, 'message');
  return worker;
}

async function time(worker: Worker, turns: number): Promise<number> {
  worker.postMessage(turns);
  const [milliseconds] = await once(worker, 'message');
  return milliseconds as number;
}
