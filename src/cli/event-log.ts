/** The log of events that a command line names. */
import type { EventLog } from '../events/log.ts';
import { openLogAt } from '../events/open.ts';

/** What the argument may be. */
export const LOG = 'a folder of segments, or a file with the serving configuration';

/** Opens the log for one use of it. Throws what openLogAt and `use` throw. */
export async function withLog<T>(place: string, use: (log: EventLog) => Promise<T>): Promise<T> {
  const log = await openLogAt(place);
  try {
    return await use(log);
  } finally {
    await log.close();
  }
}
