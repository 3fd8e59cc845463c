/** An event as text: one line of JSON, with what a store needs to find it by. */
import { z } from 'zod';
import { bytesOfLine } from './bytes.ts';
import { EVENT_SCHEMA, eventSchema, type LogEvent } from './event.ts';

export interface EventLine {
  event_id: string;
  kind: LogEvent['kind'];
  time: number;
  request_id: string | null;
  unit: string | null;
  /** UTF-8, with a line break. */
  bytes: Buffer;
}

/** An event that somebody writes: the others are what is left of deleted ones. */
export type WrittenEvent = Exclude<LogEvent, { kind: 'forgotten' }>;

export function lineOf(event: WrittenEvent): EventLine {
  const { kind, time } = event;
  const unit = event.kind === 'impression' ? event.unit : null;
  return {
    event_id: withoutHalves(event.event_id),
    kind,
    time,
    request_id: 'request_id' in event ? withoutHalves(event.request_id) : null,
    unit: unit === null ? null : withoutHalves(unit),
    bytes: bytesOfLine(wellFormed(JSON.stringify(event))),
  };
}

/** U+FFFD in place of halves of characters, as texts are in the log. */
export const withoutHalves = (text: string): string => text.replaceAll(/\p{Surrogate}/gu, '\ufffd');

/**
 * JSON without halves of characters: databases take a text with one for damaged, and so the whole line. The row encoder reads U+FFFD in
 * their place as well.
 */
const wellFormed = (json: string): string =>
  json.includes('\\ud')
    ? json.replaceAll(/\\(?:(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)/g, (all, half) => (half ? '\ufffd' : all))
    : json;

/** Why a line is no event. */
export interface BadLine {
  problem: string;
  /** `schema` of the line, if it is the one of another version. */
  version?: string;
}

const otherVersion = z.looseObject({ schema: z.string().regex(/^event\/\d+$/) });

/** Checks and reads a line. */
export function readLine(text: string): LogEvent | BadLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'it is not JSON' };
  }
  const parsed = eventSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const other = otherVersion.safeParse(value);
  const [{ path, message }] = parsed.error.issues;
  return {
    problem: path.length === 0 ? message : `${path.join('.')}: ${message}`,
    ...(other.success && other.data.schema !== EVENT_SCHEMA && { version: other.data.schema }),
  };
}

export const isEvent = (read: LogEvent | BadLine): read is LogEvent => 'kind' in read;
