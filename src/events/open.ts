/** Opens the sink of a configuration. */
import { makeFolder } from '../base/files.ts';
import type { EventsConfig } from '../config/events.ts';
import { openSegments } from './segments/folder.ts';
import type { EventSink } from './sink.ts';

export interface OpenedSink {
  sink: EventSink;
  /** Torn lines that were cut. */
  torn: number;
  /** For messages. */
  where: string;
}

/** @throws FILE_UNWRITABLE, DISK_FULL where the folder is not there and cannot be made */
export async function openSink({ folder = '', rotate, sync }: EventsConfig): Promise<OpenedSink> {
  makeFolder(folder);
  const sink = openSegments(folder, { rotate, sync });
  return { sink, torn: sink.torn, where: folder };
}
