/** A folder of segments as a sink: the default. Several processes may write to one folder; each reads what all have written. */
import { existsSync } from 'node:fs';
import type { EventLog } from '../log.ts';
import type { EventSink } from '../sink.ts';
import { checkSegments } from './check.ts';
import { forgetUnit, segmentsFinished } from './forget.ts';
import { pruneSegments } from './prune.ts';
import { linesFrom } from './read.ts';
import { recoverSegments } from './recover.ts';
import { type SegmentOptions, writeSegments } from './write.ts';

export interface SegmentFolder extends EventSink {
  /** Last lines that a killed writer had left torn: they are cut. */
  torn: number;
}

const DEFAULTS: SegmentOptions = { rotate: { bytes: 64e6, seconds: 300 }, sync: 'interval' };

/**
 * Finishes the segments of killed processes. The folder is made with the first event.
 *
 * @throws FILE_UNWRITABLE, DISK_FULL
 */
export function openSegments(folder: string, options: Partial<SegmentOptions> = {}): SegmentFolder {
  const torn = existsSync(folder) ? recoverSegments(folder) : 0;
  const { append, close } = writeSegments(folder, { ...DEFAULTS, ...options });
  return { torn, append, close };
}

export const segmentLog = (folder: string): EventLog => ({
  name: folder,
  lines: (from) => linesFrom(folder, from),
  settled: () => segmentsFinished(folder),
  check: () => checkSegments(folder),
  forget: (unit) => forgetUnit(folder, unit),
  prune: (time) => pruneSegments(folder, time),
  close: async () => {},
});
