/** Questions, answers and errors between two processes or threads over the channel that Node gives them. */
import { type ErrorCode, error, TributaryError } from './errors/index.ts';

/** What a side answers, by name of the question. */
export type Handlers = Record<string, (value: never) => unknown>;

interface Message {
  link: 'ask' | 'answer' | 'failure';
  id: number;
  name?: string;
  value?: unknown;
}

/** The channel to another process (`process` itself, or a worker of a cluster) or thread (a port, or a worker). */
export type Channel = {
  on(event: 'message', listener: (message: unknown) => void): unknown;
} & (
  | { send?(message: unknown, callback?: (cause: Error | null) => void): boolean }
  | { postMessage(message: unknown): void }
);

export interface LinkOptions {
  /** Who is on the other side: what WORKER_SILENT names. */
  peer: string;
  /** Time limit of every question, seconds; a question may bring its own. */
  seconds: number;
}

export interface Link {
  /** Asks the other side. Its errors keep their code. Throws WORKER_SILENT where no answer comes within the time limit. */
  ask<T>(name: string, value?: unknown, seconds?: number): Promise<T>;
  /** No more answers will come. */
  cut(reason: Error): void;
}

/** Without `options` no question has a time limit: for threads, which end with their process. */
export function createLink(channel: Channel, handlers: Handlers, options?: LinkOptions): Link {
  const open = new Map<number, Asked>();
  let next = 0;
  let cutBy: Error | undefined;
  // The exit of a process shows that it is gone, not a message that cannot be sent.
  const send = (message: Message): void => {
    if ('postMessage' in channel) channel.postMessage(message);
    else channel.send?.(message, () => {});
  };
  const settle = (id: number): Asked | undefined => {
    const asked = open.get(id);
    open.delete(id);
    clearTimeout(asked?.late);
    return asked;
  };

  channel.on('message', async (received) => {
    const message = received as Message | undefined;
    if (message?.link === 'ask') {
      const { id, name, value } = message;
      try {
        send({ link: 'answer', id, value: await handlers[name as string](value as never) });
      } catch (cause) {
        send({ link: 'failure', id, value: packError(cause) });
      }
    } else if (message?.link === 'answer') settle(message.id)?.resolve(message.value as never);
    else if (message?.link === 'failure') settle(message.id)?.reject(unpackError(message.value as PackedError));
  });

  return {
    ask: (name, value, seconds = options?.seconds) =>
      new Promise((resolve, reject) => {
        if (cutBy !== undefined) {
          reject(cutBy);
          return;
        }
        const id = next++;
        const expire = (): void =>
          settle(id)?.reject(
            error('WORKER_SILENT', { peer: options?.peer ?? '', question: name, seconds: seconds as number }),
          );
        const late = seconds === undefined ? undefined : setTimeout(expire, seconds * 1000);
        open.set(id, { resolve, reject, late });
        send({ link: 'ask', id, name, value });
      }),
    cut(reason) {
      cutBy = reason;
      for (const id of [...open.keys()]) settle(id)?.reject(reason);
    },
  };
}

interface Asked {
  resolve: (value: never) => void;
  reject: (cause: Error) => void;
  /** Ends the wait. */
  late: NodeJS.Timeout | undefined;
}

/** An error as plain data: errors lose their class between processes and threads. */
export interface PackedError {
  message: string;
  stack?: string;
  /** Of an error of the catalogue. */
  known?: { code: ErrorCode; details: unknown };
}

export function packError(cause: unknown): PackedError {
  if (!(cause instanceof Error)) return { message: String(cause) };
  const { message, stack } = cause;
  return cause instanceof TributaryError
    ? { message, stack, known: { code: cause.code, details: cause.details } }
    : { message, stack };
}

/** The error on the other side: with its code, if it had one, and the stack of where it was thrown. */
export function unpackError({ message, stack, known }: PackedError): Error {
  const cause = known === undefined ? new Error(message) : new TributaryError(known.code, message, known.details);
  return stack === undefined ? cause : Object.assign(cause, { stack });
}

/** Why a fetch failed: the error says only that it did, its cause says why. */
export const fetchFailure = ({ message, cause }: Error): string =>
  cause instanceof Error && cause.message !== '' ? cause.message : ((cause as { code?: string })?.code ?? message);
