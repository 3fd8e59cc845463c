/** Questions and answers between two processes or threads over the channel that Node gives them. */
import { type ErrorCode, TributaryError } from './errors/index.ts';

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

export interface Link {
  /** Asks the other side. Its errors keep their code. */
  ask<T>(name: string, value?: unknown): Promise<T>;
  /** No more answers will come. */
  cut(reason: Error): void;
}

export function createLink(channel: Channel, handlers: Handlers): Link {
  const open = new Map<number, { resolve: (value: never) => void; reject: (cause: Error) => void }>();
  let next = 0;
  // A process that has gone is noticed by its exit, not by what cannot be sent to it.
  const send = (message: Message): void => {
    if ('postMessage' in channel) channel.postMessage(message);
    else channel.send?.(message, () => {});
  };

  channel.on('message', async (received) => {
    const message = received as Message | undefined;
    if (message?.link === 'ask') {
      const { id, name, value } = message;
      try {
        send({ link: 'answer', id, value: await handlers[name as string](value as never) });
      } catch (cause) {
        send({ link: 'failure', id, value: packed(cause) });
      }
    } else if (message?.link === 'answer' || message?.link === 'failure') {
      const asked = open.get(message.id);
      open.delete(message.id);
      if (message.link === 'answer') asked?.resolve(message.value as never);
      else asked?.reject(unpacked(message.value as PackedError));
    }
  });

  return {
    ask: (name, value) =>
      new Promise((resolve, reject) => {
        const id = next++;
        open.set(id, { resolve, reject });
        send({ link: 'ask', id, name, value });
      }),
    cut(reason) {
      for (const { reject } of open.values()) reject(reason);
      open.clear();
    },
  };
}

interface PackedError {
  code?: ErrorCode;
  message: string;
  details?: unknown;
  stack?: string;
}

const packed = (cause: unknown): PackedError =>
  cause instanceof TributaryError
    ? { code: cause.code, message: cause.message, details: cause.details }
    : { message: (cause as Error).message, stack: (cause as Error).stack };

function unpacked({ code, message, details, stack }: PackedError): Error {
  if (code !== undefined) return new TributaryError(code, message, details);
  return Object.assign(new Error(message), { stack });
}
