/** Opens the log of a configuration, to write it or to read it. */
import { statSync } from 'node:fs';
import { error } from '../base/errors/index.ts';
import { makeFolder } from '../base/files.ts';
import type { EventsConfig } from '../config/events.ts';
import { loadServing } from '../config/load-serving.ts';
import type { EventLog } from './log.ts';
import { postgresLog } from './postgres/log.ts';
import { postgresSink } from './postgres/sink.ts';
import { redisLog } from './redis/log.ts';
import { redisSink } from './redis/sink.ts';
import { openSegments, segmentLog } from './segments/folder.ts';
import { serverOf } from './server.ts';
import type { EventSink } from './sink.ts';

const SCHEMES = { postgres: ['postgres:', 'postgresql:'], redis: ['redis:', 'rediss:'] } as const;

interface OpenedSink {
  sink: EventSink;
  /** Torn lines that were cut. */
  torn: number;
  /** For messages. */
  where: string;
}

/**
 * A server need not be there yet: the first `append` connects.
 *
 * @throws EVENTS_SECRET, EVENTS_URL; FILE_UNWRITABLE, DISK_FULL where the folder is not there and cannot be made
 */
export function openSink(config: EventsConfig): OpenedSink {
  const { sink: kind, folder = '', table, stream, rotate, sync } = config;
  if (kind === 'segments') {
    makeFolder(folder);
    const sink = openSegments(folder, { rotate, sync });
    return { sink, torn: sink.torn, where: folder };
  }
  const server = serverOf(config.url ?? '', SCHEMES[kind]);
  const sink = kind === 'postgres' ? postgresSink(server, table, sync) : redisSink(server, stream, sync);
  return { sink, torn: 0, where: nameOf(config) };
}

/**
 * The log at a folder of segments, or the one that a file with a serving configuration names.
 *
 * @throws EVENTS_OFF, EVENTS_SECRET, EVENTS_URL, CONFIG_INVALID, CONFIG_UNREADABLE
 */
export async function openLogAt(place: string): Promise<EventLog> {
  if (statSync(place, { throwIfNoEntry: false })?.isFile() !== true) return segmentLog(place);
  const { events } = await loadServing(place);
  if (events === undefined) throw error('EVENTS_OFF', {});
  return openLog(events);
}

/** @throws EVENTS_SECRET, EVENTS_URL */
export function openLog(config: EventsConfig): EventLog {
  const { sink: kind, folder = '', table, stream } = config;
  if (kind === 'segments') return segmentLog(folder);
  const server = serverOf(config.url ?? '', SCHEMES[kind]);
  return (kind === 'postgres' ? postgresLog : redisLog)(server, kind === 'postgres' ? table : stream, nameOf(config));
}

/** Says nothing of the server, whose URL is a secret, but where the URL is. */
const nameOf = ({ sink, url = '', table, stream }: EventsConfig): string =>
  sink === 'postgres'
    ? `table ${table} of PostgreSQL (${url.replace('env:', '')})`
    : `stream ${stream} of Redis (${url.replace('env:', '')})`;
