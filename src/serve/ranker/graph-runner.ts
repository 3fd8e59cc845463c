/**
 * Runs one graph for many callers. Rows that wait at the same time run as one batch: a run has costs of its own, and ONNX
 * Runtime computes one run at a time in a thread anyway. No caller waits for company longer than it is told to.
 */
import { error } from '../../base/errors/index.ts';
import type { RunningSession, Value } from '../../runtime/contract.ts';
import type { Outputs, Rows } from './contract.ts';

export interface BatchingOptions {
  /** Rows of a run at most; more are run in pieces, and others get their turn in between. */
  rows: number;
  /** Time to wait for company, milliseconds; 0: only those that are there already. */
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
  run(rows: Rows): Promise<Outputs>;
  release(): Promise<void>;
}

/** Sizes of a row, and which graph of which scenario it is. */
export interface GraphShape {
  slots: number;
  /** K and L, where the graph reads sequences. */
  sequences?: readonly [number, number];
  tasks: readonly string[];
}

interface Job {
  rows: Rows;
  scenario: number;
  resolve: (outputs: Outputs) => void;
  reject: (cause: unknown) => void;
}

/** Runs rows of any scenario; `forScenario` gives the runner of one. */
export function createGraphRunner(
  session: RunningSession,
  shape: GraphShape,
  batching: BatchingOptions,
  onBatch: Waiting['onBatch'],
) {
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
      const outputs = await runJobs(session, shape, jobs, batching.rows);
      jobs.forEach((job, i) => void job.resolve(outputs[i]));
    } catch (cause) {
      for (const job of jobs) job.reject(cause);
    } finally {
      onBatch(rowsOf(jobs), jobs.length);
      scheduled = false;
      schedule();
    }
  };

  return {
    forScenario:
      (scenario: number): GraphRunner['run'] =>
      (rows) =>
        new Promise((resolve, reject) => {
          queue.push({ rows, scenario, resolve, reject });
          schedule();
        }),
    /** The graph's own tensors, alone. */
    run: (feeds: Record<string, Value>): Promise<Record<string, Value>> => session.run(feeds),
    release: () => session.release(),
  };
}

const rowsOf = (jobs: readonly Job[]): number => jobs.reduce((sum, { rows }) => sum + rows.size, 0);

/** The first jobs that fit into a batch: one at least. */
function takeJobs(queue: readonly Job[], most: number): Job[] {
  let rows = queue[0].rows.size;
  let count = 1;
  while (count < queue.length && rows + queue[count].rows.size <= most) rows += queue[count++].rows.size;
  return queue.slice(0, count);
}

/** Outputs of each job: those of a batch of all, cut apart. */
async function runJobs(
  session: RunningSession,
  shape: GraphShape,
  jobs: readonly Job[],
  most: number,
): Promise<Outputs[]> {
  const size = rowsOf(jobs);
  const ids = join(jobs.map(({ rows }) => rows.ids));
  const sequences = shape.sequences && join(jobs.map(({ rows }) => rows.sequences as Int32Array));
  const scenario = new Int32Array(size);
  let at = 0;
  for (const job of jobs) {
    scenario.fill(job.scenario, at, at + job.rows.size);
    at += job.rows.size;
  }
  const all = await runPieces(session, shape, { size, ids, sequences }, scenario, most);
  if (jobs.length === 1) return [all];
  let from = 0;
  return jobs.map(({ rows }) => {
    const to = from + rows.size;
    const [first, last] = [from, to];
    from = to;
    const tasks = shape.tasks.length;
    return {
      logits: all.logits.subarray(first * tasks, last * tasks),
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
  session: RunningSession,
  shape: GraphShape,
  rows: Rows,
  scenario: Int32Array,
  most: number,
): Promise<Outputs> {
  if (rows.size <= most) return runOnce(session, shape, rows, scenario, 0, rows.size);
  const tasks = shape.tasks.length;
  const logits = new Float32Array(rows.size * tasks);
  const probabilities = shape.tasks.map(() => new Float32Array(rows.size));
  for (let from = 0; from < rows.size; from += most) {
    const piece = await runOnce(session, shape, rows, scenario, from, Math.min(from + most, rows.size));
    logits.set(piece.logits, from * tasks);
    piece.probabilities.forEach((p, t) => void probabilities[t].set(p, from));
  }
  return { logits, probabilities };
}

/** Rows `from` to `to`. */
async function runOnce(
  session: RunningSession,
  shape: GraphShape,
  rows: Rows,
  scenario: Int32Array,
  from: number,
  to: number,
): Promise<Outputs> {
  const row = rows.sequences === undefined ? 0 : rows.sequences.length / rows.size;
  const part: Rows = {
    size: to - from,
    ids: rows.ids.subarray(from * shape.slots, to * shape.slots),
    sequences: rows.sequences?.subarray(from * row, to * row),
  };
  const outputs = await session.run(rowFeeds(session, shape, part, scenario.subarray(from, to)));
  return {
    logits: outputs.logits.data as Float32Array,
    probabilities: shape.tasks.map((task) => outputs[`probability_${task}`].data as Float32Array),
  };
}

/** What a graph reads of rows. */
export function rowFeeds(
  session: RunningSession,
  { slots, sequences }: GraphShape,
  { size, ids, sequences: items }: Rows,
  scenario: Int32Array,
): Record<string, Value> {
  const values: Record<string, Value> = {
    ids: { type: 'int32', shape: [size, slots], data: ids },
    scenario: { type: 'int32', shape: [size], data: scenario },
  };
  if (sequences !== undefined && items !== undefined)
    values.sequences = { type: 'int32', shape: [size, ...sequences], data: items };
  return Object.fromEntries(session.inputs.map((name) => [name, values[name]]));
}
