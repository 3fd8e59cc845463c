/**
 * Runs one graph for many callers. Rows that wait at the same time run as one batch: a run has costs of its own, and ONNX
 * Runtime computes one run at a time in a thread anyway. No request waits longer than windowMs for others.
 */
import { error } from '../../base/errors/index.ts';
import { type Answers, answersOf, type Executor } from '../../inference/executor.ts';
import type { IdRows } from '../../inference/serving/id-rows.ts';
import type { Rows } from './contract.ts';

export interface BatchingOptions {
  /** Rows of a run at most; more are run in pieces, and others get their turn in between. */
  rows: number;
  /** Milliseconds to wait for more rows; 0: run what is there. */
  windowMs: number;
}

/** What all graphs of a process share: how much waits, and how large batches were. */
export interface Waiting {
  rows: number;
  limit: number;
  onBatch: (rows: number, requests: number) => void;
}

/** Counts the rows of a request as waiting until the function that it gives is called. Throws SERVER_BUSY where too much waits. */
export function takePlaces(waiting: Waiting, rows: number): () => void {
  if (waiting.rows > 0 && waiting.rows + rows > waiting.limit)
    throw error('SERVER_BUSY', { waiting: waiting.rows, limit: waiting.limit });
  waiting.rows += rows;
  return () => {
    waiting.rows -= rows;
  };
}

export interface GraphRunner {
  /** Runs rows of one scenario. */
  forScenario(scenario: number): (rows: Rows) => Promise<Answers>;
}

interface Job {
  rows: Rows;
  scenario: number;
  resolve: (answers: Answers) => void;
  reject: (cause: unknown) => void;
}

/** Runs rows of any scenario. The executor is the caller's to release. */
export function createGraphRunner(
  executor: Executor<IdRows>,
  tasks: readonly string[],
  batching: BatchingOptions,
  onBatch: Waiting['onBatch'],
): GraphRunner {
  let queue: Job[] = [];
  let scheduled = false;

  const schedule = (): void => {
    if (scheduled || queue.length === 0) return;
    scheduled = true;
    if (batching.windowMs > 0) setTimeout(runNext, batching.windowMs);
    else setImmediate(runNext); // after this turn of the event loop has read the other requests that have arrived
  };

  const runNext = async (): Promise<void> => {
    const jobs = takeJobs(queue, batching.rows);
    queue = queue.slice(jobs.length);
    try {
      const answers = await runJobs(executor, tasks, jobs, batching.rows);
      jobs.forEach((job, i) => void job.resolve(answers[i]));
    } catch (cause) {
      for (const job of jobs) job.reject(cause);
    } finally {
      onBatch(rowsOf(jobs), jobs.length);
      scheduled = false;
      schedule();
    }
  };

  return {
    forScenario: (scenario) => (rows) =>
      new Promise((resolve, reject) => {
        queue.push({ rows, scenario, resolve, reject });
        schedule();
      }),
  };
}

const rowsOf = (jobs: readonly Job[]): number => jobs.reduce((sum, { rows }) => sum + rows.size, 0);

/** The first jobs that fit into a batch: one at least. */
function takeJobs(queue: readonly Job[], limit: number): Job[] {
  let rows = queue[0].rows.size;
  let count = 1;
  while (count < queue.length && rows + queue[count].rows.size <= limit) rows += queue[count++].rows.size;
  return queue.slice(0, count);
}

/** Answers of each job: those of a batch of all, cut apart. */
async function runJobs(
  executor: Executor<IdRows>,
  tasks: readonly string[],
  jobs: readonly Job[],
  limit: number,
): Promise<Answers[]> {
  const size = rowsOf(jobs);
  const scenario = new Int32Array(size);
  let at = 0;
  for (const job of jobs) {
    scenario.fill(job.scenario, at, at + job.rows.size);
    at += job.rows.size;
  }
  const rows: IdRows = { size, ids: join(jobs.map(({ rows: { ids } }) => ids)), scenario };
  if (jobs[0].rows.sequences !== undefined)
    rows.sequences = join(jobs.map(({ rows: { sequences } }) => sequences as Int32Array));
  const all = await runPieces(executor, tasks, rows, limit);
  if (jobs.length === 1) return [all];
  let from = 0;
  return jobs.map(({ rows: { size: own } }) => {
    const [first, last] = [from, from + own];
    from = last;
    return {
      logits: all.logits.subarray(first * tasks.length, last * tasks.length),
      probabilities: all.probabilities.map((p) => p.subarray(first, last)),
    };
  });
}

const join = (arrays: Int32Array[]): Int32Array => {
  if (arrays.length === 1) return arrays[0];
  const joined = new Int32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    joined.set(array, at);
    at += array.length;
  }
  return joined;
};

async function runPieces(
  executor: Executor<IdRows>,
  tasks: readonly string[],
  rows: IdRows,
  limit: number,
): Promise<Answers> {
  if (rows.size <= limit) return answersOf(await executor.run(rows), tasks);
  const answers: Answers = {
    logits: new Float32Array(rows.size * tasks.length),
    probabilities: tasks.map(() => new Float32Array(rows.size)),
  };
  for (let from = 0; from < rows.size; from += limit) {
    const piece = answersOf(await executor.run(part(rows, from, Math.min(from + limit, rows.size))), tasks);
    answers.logits.set(piece.logits, from * tasks.length);
    for (const [t, own] of piece.probabilities.entries()) answers.probabilities[t].set(own, from);
  }
  return answers;
}

/** The rows [from, to), as views. */
function part({ size, ids, scenario, sequences }: IdRows, from: number, to: number): IdRows {
  const views = (all: Int32Array): Int32Array => all.subarray((from * all.length) / size, (to * all.length) / size);
  return {
    size: to - from,
    ids: views(ids),
    scenario: views(scenario),
    ...(sequences && { sequences: views(sequences) }),
  };
}
