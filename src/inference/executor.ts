/**
 * From rows to outputs: every graph runs behind an executor. An executor is created with the feed of each input of its session. It
 * runs rows, checks the outputs, and returns them in one layout.
 */
import { error } from '../base/errors/index.ts';
import { firstNotFinite } from '../base/numbers.ts';
import type { Session, Value } from '../runtime/contract.ts';

/** The feed of an input: a constant value, or one that depends on the rows. */
export type Feed<R> = Value | ((rows: R) => Value);

/** By name of the input. */
export type Feeds<R> = Readonly<Record<string, Feed<R>>>;

export interface Executor<R> {
  /**
   * Outputs by name, [size, ...] each. `into` gives arrays that receive outputs, as in `Session.run`.
   *
   * @throws MODEL_NOT_FINITE if a number of a checked output is not finite; errors of Session.run
   */
  run(rows: R, into?: Record<string, Value>): Promise<Record<string, Value>>;
  release(): Promise<void>;
}

export interface ExecutorOptions<R> {
  /** Loads rows to where the feeds read them. Called first in every run. */
  load?: (rows: R) => void | Promise<void>;
  /** Outputs whose numbers must be finite. Default: none. */
  finite?: readonly string[];
  /** Name of such a number in MODEL_NOT_FINITE. Default: the model's answer to a row. */
  what?: string;
}

/** Binds the inputs of a session, which the executor releases. `feeds` may have more entries than the graph has inputs. */
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

/** The layout of outputs, before calibration. */
export interface Answers {
  /** [size, T] */
  logits: Float32Array;
  /** [T] of [size]: as the graphs output them, without a copy. */
  probabilities: Float32Array[];
}

/** Logits and probabilities among the outputs of a graph. */
export const answersOf = (outputs: Record<string, Value>, tasks: readonly string[]): Answers => ({
  logits: outputs.logits.data as Float32Array,
  probabilities: tasks.map((task) => outputs[probabilityOf(task)].data as Float32Array),
});

/** Name of the output with the probabilities of a task, [size]. */
export const probabilityOf = (task: string): string => `probability_${task}`;
