/** A sink on a server: it connects when it first needs to, and again after anything went wrong. */
import type { EventLine } from './line.ts';
import { answered, reasonOf, type Server } from './server.ts';
import type { EventSink } from './sink.ts';

export interface Connection {
  /** All lines are stored, or none is. */
  append(lines: readonly EventLine[]): Promise<void>;
  isOpen(): boolean;
  /** At once, also while the server does not answer. */
  close(): void;
}

/** A server that takes longer has lost the connection. */
const ANSWER_MS = 10_000;

/** @param connect gives up by itself after some seconds */
export function serverSink({ hide }: Server, connect: () => Promise<Connection>): EventSink {
  let connection: Connection | undefined;
  const drop = (): void => {
    connection?.close();
    connection = undefined;
  };
  return {
    async append(lines) {
      try {
        if (connection?.isOpen() === false) drop();
        connection ??= await connect();
        if (lines.length > 0) await answered(connection.append(lines), ANSWER_MS);
      } catch (cause) {
        drop();
        throw new Error(hide(reasonOf(cause)));
      }
    },
    close: async () => drop(),
  };
}
