/** An event as text: one line of JSON, with what a store needs to find it by. */
import { z } from 'zod';
import { bytesOfLine } from './bytes.ts';
import { EVENT_SCHEMA, eventSchema, type LogEvent } from './event.ts';
import { COMPACT_SCHEMA, compactSchema, impressionOf, SENT_SCHEMA, sentSchema } from './layout/compact.ts';

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

/** What a store finds an event by. */
type Header = Pick<WrittenEvent, 'event_id' | 'kind' | 'time'> & {
  request_id?: string | null;
  unit?: string | null;
};

export const lineOf = (event: WrittenEvent): EventLine => lineOfParts(event, [JSON.stringify(event)]);

/** @param parts of the JSON of the whole event; a character outside of ASCII is whole in one of them, and bytes have no halves of any */
export const lineOfParts = (
  { event_id, kind, time, request_id = null, unit = null }: Header,
  parts: readonly (string | Uint8Array)[],
): EventLine => ({
  event_id: withoutHalves(event_id),
  kind,
  time,
  request_id: request_id && withoutHalves(request_id),
  unit: unit && withoutHalves(unit),
  bytes: bytesOfLine(parts.map((part) => (typeof part === 'string' ? wellFormed(part) : part))),
});

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

/** By the schema of a line. */
const READERS = {
  [EVENT_SCHEMA]: eventSchema,
  [COMPACT_SCHEMA]: compactSchema.transform(impressionOf),
  [SENT_SCHEMA]: sentSchema.transform(impressionOf),
};

/** Checks and reads a line. */
export function readLine(text: string): LogEvent | BadLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'it is not JSON' };
  }
  const { data: { schema } = { schema: EVENT_SCHEMA } } = otherVersion.safeParse(value);
  const isKnown = Object.hasOwn(READERS, schema);
  const parsed = READERS[isKnown ? (schema as keyof typeof READERS) : EVENT_SCHEMA].safeParse(value);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  return {
    problem: path.length === 0 ? message : `${path.join('.')}: ${message}`,
    ...(!isKnown && { version: schema }),
  };
}

export const isEvent = (read: LogEvent | BadLine): read is LogEvent => 'kind' in read;
