/** The events of a folder of segments, in the order of its lines. */
import { type EventBatch, readEvents } from '../../src/events/log.ts';
import { linesFrom } from '../../src/events/segments/read.ts';

export const readSegments = (folder: string, from?: string): AsyncGenerator<EventBatch> =>
  readEvents({ lines: (cursor) => linesFrom(folder, cursor) }, from);
