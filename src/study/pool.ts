/**
 * Trains runs in one process each, as many in parallel as cores and memory allow. Memory and processor time can then be measured
 * per run, and a run that crashes affects no other.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';
import { error } from '../base/errors/index.ts';
import { unpackError } from '../base/link.ts';
import type { TrainingJob, TrainingOutcome, WorkerReply, WorkerRequest } from './job.ts';

export interface TrainingPool {
  /** Max runs in parallel. */
  workers: number;
  /** Trains a run when a process is free: jobs start in the order of the calls. Never rejects. */
  train(job: TrainingJob): Promise<TrainingOutcome>;
  /** Asks running trainings to write a checkpoint and end; waiting ones do not start. Idle pools need not be stopped. */
  stop(): void;
}

/** How often a run is restarted after its process died. */
const RESTARTS = 3;

/** Approximate memory of a run without its arena: Node, ONNX Runtime, DuckDB, row windows. */
const PROCESS_BYTES = 600 << 20;

/**
 * How many runs this machine trains in parallel: one for each `threads` cores, and at most as many as fit into three quarters of
 * its memory.
 *
 * @param bytes memory of the largest run beyond the process itself
 * @param sharers processes of this machine that each open such a pool
 */
export function workersFor(threads: number, bytes = 0, sharers = 1): number {
  const byCores = Math.floor(availableParallelism() / (threads * sharers));
  const byMemory = Math.floor((0.75 * totalmem()) / ((PROCESS_BYTES + bytes) * sharers));
  return Math.max(1, Math.min(byCores, byMemory));
}

export function openPool(workers: number): TrainingPool {
  const waiting: (() => void)[] = [];
  const running = new Set<ChildProcess>();
  let free = workers;
  let stopped = false;

  const turn = (): Promise<void> => {
    if (free > 0) {
      free--;
      return Promise.resolve();
    }
    return new Promise((go) => waiting.push(go));
  };
  const done = (): void => {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  };

  async function attempt(job: TrainingJob): Promise<TrainingOutcome> {
    for (let restart = 0; ; restart++) {
      if (stopped) return { kind: 'stopped' };
      const ended = await runProcess(job, running);
      if ('kind' in ended) return ended;
      if (restart === RESTARTS)
        return { kind: 'failed', error: error('WORKER_DIED', { ...ended, folder: job.folder, times: restart + 1 }) };
    }
  }

  return {
    workers,
    async train(job) {
      await turn();
      return attempt(job).finally(done);
    },
    stop() {
      stopped = true;
      for (const child of running) child.send('stop' satisfies WorkerRequest);
    },
  };
}

/** How a process ended that reported no outcome. */
interface Death {
  how: string;
  /** What it last wrote to stderr. */
  last: string;
}

/** One process from its start to its end. */
function runProcess(job: TrainingJob, running: Set<ChildProcess>): Promise<TrainingOutcome | Death> {
  // A process group of its own: Ctrl-C in a terminal reaches only the parent, which then asks for checkpoints.
  const child = fork(new URL('./worker.js', import.meta.url), {
    detached: true,
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  running.add(child);
  return new Promise((resolve) => {
    let outcome: TrainingOutcome | undefined;
    let last = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      last = (last + text).slice(-2000);
    });
    child.on('message', (reply: WorkerReply) => {
      if (reply.kind === 'event') job.onEvent?.(reply.event);
      else outcome = reply.kind === 'failed' ? { kind: 'failed', error: unpackError(reply.error) } : reply;
    });
    const end = (how: string): void => {
      running.delete(child);
      resolve(outcome ?? { how, last: last.trim() });
    };
    child.on('error', (cause) => end(cause.message));
    child.on('close', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));
    const { folder, testLogits, trial } = job;
    child.send({ folder, testLogits, trial } satisfies WorkerRequest, () => {});
  });
}
