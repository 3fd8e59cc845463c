/**
 * Names of segments: `20261130T061744123Z-000003.MARK.jsonl`, the time when the segment was started, its number among those of its
 * writer (from 0, without holes) and the writer. While it is written, a segment has the suffix `.open`.
 */
import { readdirSync } from 'node:fs';
import { asReadError } from '../../base/files.ts';
import { readMark } from '../../base/marks.ts';

export interface Segment {
  /** Of the finished segment. */
  name: string;
  /** The writer's mark (`newMark` of base/marks.ts). */
  writer: string;
  counter: number;
  /** Milliseconds since 1970. */
  started: number;
  isOpen: boolean;
}

const OPEN = '.open';

/** The file of a segment as it is now. */
export const fileOf = ({ name, isOpen }: Segment): string => (isOpen ? `${name}${OPEN}` : name);

export function newSegment(writer: string, counter: number, started: number): Segment {
  const time = new Date(started).toISOString().replaceAll(/[-:.]/g, '');
  return {
    name: `${time}-${String(counter).padStart(6, '0')}.${writer}.jsonl`,
    writer,
    counter,
    started,
    isOpen: true,
  };
}

const NAME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-(\d{6,})\.([\d]+-\d+-[0-9a-f]{8}-\d+)\.jsonl(\.open)?$/;

/** The segments of a folder in the order of their start; other files are not looked at. */
export function listSegments(folder: string): Segment[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (cause) {
    throw asReadError(cause, folder, 'a folder of event segments');
  }
  return inOrder(names.flatMap((file) => segmentOf(file) ?? []));
}

/** By start. Those of a writer keep the order of their numbers where its clock was set back: a cursor counts on it. */
function inOrder(segments: Segment[]): Segment[] {
  const latest = new Map<string, number>();
  const placed = segments
    .sort((a, b) => a.counter - b.counter)
    .map((segment) => {
      const at = Math.max(segment.started, latest.get(segment.writer) ?? segment.started);
      latest.set(segment.writer, at);
      return { segment, at };
    });
  const order = (a: Segment, b: Segment): number => a.counter - b.counter || (a.name < b.name ? -1 : 1);
  return placed.sort((a, b) => a.at - b.at || order(a.segment, b.segment)).map(({ segment }) => segment);
}

function segmentOf(file: string): Segment | undefined {
  const match = NAME.exec(file);
  if (match === null) return undefined;
  const [, year, month, day, hours, minutes, seconds, milliseconds, counter, writer, open] = match;
  const started = Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}.${milliseconds}Z`);
  const name = open === undefined ? file : file.slice(0, -OPEN.length);
  return { name, writer, counter: Number(counter), started, isOpen: open !== undefined };
}

/** Is it open, and does its writer run? Writers on other machines count as running. */
export const isBeingWritten = ({ isOpen, writer }: Segment): boolean => isOpen && readMark(writer)?.alive === true;
