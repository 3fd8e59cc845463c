/**
 * Rows to outputs: the one way in which a graph is run. An executor knows, from the moment it is made, what feeds each input of its
 * session; it runs rows, checks the answers, and gives them in one layout.
 */
import { error } from '../base/errors/index.ts';
import { firstNotFinite } from '../base/finite.ts';
import type { Session, Value } from '../runtime/contract.ts';

/** What feeds an input: the same value in every run, or one that depends on the rows. */
export type Feed<R> = Value | ((rows: R) => Value);

/** By name of the input. */
export type Feeds<R> = Readonly<Record<string, Feed<R>>>;

export interface Executor<R> {
  /**
   * Outputs by name, [size, ...] each. `into` names arrays that receive an output, as in `Session.run`.
   *
   * @throws MODEL_NOT_FINITE where a number of a checked output is not finite; what Session.run throws
   */
  run(rows: R, into?: Record<string, Value>): Promise<Record<string, Value>>;
  release(): Promise<void>;
}

export interface ExecutorOptions<R> {
  /** Brings rows to where the feeds read them. Called first in every run. */
  load?: (rows: R) => void | Promise<void>;
  /** Outputs whose numbers must be finite. Default: none. */
  finite?: readonly string[];
  /** What MODEL_NOT_FINITE calls such a number. Default: the model's answer to a row. */
  what?: string;
}

/** Binds the inputs of a session, which the executor releases. `feeds` may have more than the graph takes. */
export function createExecutor<R>(
  session: Pick<Session, 'inputs' | 'run' | 'release'>,
  feeds: Feeds<R>,
  { load, finite = [], what = "the model's answer to a row" }: ExecutorOptions<R> = {},
): Executor<R> {
  const bound = session.inputs.map((name): [string, Feed<R>] => {
    if (!Object.hasOwn(feeds, name)) throw new Error(`nothing feeds the input ${name} of the graph`);
    return [name, feeds[name]];
  });
  return {
    async run(rows, into) {
      if (load !== undefined) await load(rows);
      const values: Record<string, Value> = {};
      for (const [name, feed] of bound) values[name] = typeof feed === 'function' ? feed(rows) : feed;
      const outputs = await session.run(values, into);
      for (const name of finite)
        if (firstNotFinite(outputs[name].data as Float32Array) >= 0) throw error('MODEL_NOT_FINITE', { what });
      return outputs;
    },
    release: () => session.release(),
  };
}

/** The layout of answers, before calibration. */
export interface Answers {
  /** [size, T] */
  logits: Float32Array;
  /** [T] of [size]: as graphs give them, so that none is copied. */
  probabilities: Float32Array[];
}

/** The answers among the outputs of a graph that gives probabilities. */
export const answersOf = (outputs: Record<string, Value>, tasks: readonly string[]): Answers => ({
  logits: outputs.logits.data as Float32Array,
  probabilities: tasks.map((task) => outputs[probabilityOf(task)].data as Float32Array),
});

/** Name of the output that holds the probabilities of a task, [size]. */
export const probabilityOf = (task: string): string => `probability_${task}`;
