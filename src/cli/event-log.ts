/** The log of events that a command line names. */
import { existsSync } from 'node:fs';
import { error } from '../base/errors/index.ts';
import type { EventLog } from '../events/log.ts';
import { openLogAt } from '../events/open.ts';

/** What the argument may be. */
export const LOG = 'a folder of segments, or a file with the serving configuration';

/** Opens the log for one use of it. Throws FILE_MISSING, and what openLogAt and `use` throw. */
export async function withLog<T>(place: string, use: (log: EventLog) => Promise<T>): Promise<T> {
  if (!existsSync(place)) throw error('FILE_MISSING', { path: place, expected: LOG });
  const log = await openLogAt(place);
  try {
    return await use(log);
  } finally {
    await log.close();
  }
}
