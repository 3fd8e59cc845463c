/**
 * What a folder of rows knows of itself:
 *
 *   dataset.yaml              the dataset configuration of these rows: what readers open
 *   day=DATE/gN/part-M.parquet  the rows of a day (UTC), written by the join number N
 *   .join/state.json          this description, sealed: what it does not name does not count
 *   .join/log/events-N.parquet  the events of the log as columns, so that the log is read once
 *   .join/work                scratch of a running join
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { readDescription, writeFileAtomic } from '../../base/files.ts';
import { seal, unseal } from '../../base/seal.ts';
import { joinTaskSchema } from '../../documents/join.ts';

const count = z.int().min(0);

/** What impressions of a day a file of events has. */
const filedDay = z.strictObject({ impressions: count, shown: count, last: count });

const eventFile = z.strictObject({
  name: z.string(),
  /** By date. */
  days: z.record(z.string(), filedDay),
  /** Lines by what they are. */
  lines: z.strictObject({
    impression: count,
    interaction: count,
    correction: count,
    damaged: count,
    forgotten: count,
    /** Events that the service dropped or lost, as its gaps say. */
    lost: count,
  }),
});
export type EventFile = z.output<typeof eventFile>;

const dayState = z.strictObject({
  /** Number of the join that wrote it. */
  generation: count,
  parts: count,
  rows: count,
  /** Files of events that the log had when it was written. */
  files: count,
  /** Milliseconds since 1970: the first open label becomes known then; null if all are. */
  matures: z.int().nullable(),
  impressions: count,
  items: count,
  unshown: count,
  duplicates: count,
  repeated: count,
  otherModels: count,
  otherScenarios: count,
  /** Interactions and corrections that found their row. */
  matched: z.strictObject({ interaction: count, correction: count }),
  /** Negatives that were not drawn. */
  sampledOut: count,
  tasks: z.array(joinTaskSchema),
  /** By field: rows with a value. */
  known: z.record(z.string(), count),
  /** Rows with a unit. */
  units: count,
});
export type DayState = z.output<typeof dayState>;

const stateSchema = z.strictObject({
  schema: z.literal('join-state/1'),
  /** Its name: an absolute path, or a server and what holds the events there. */
  log: z.string(),
  /** Of the log: where to go on. */
  cursor: z.string().optional(),
  files: z.array(eventFile),
  /** What the rows were made by; absent before the first. */
  rows: z
    .strictObject({
      plan: z.string(),
      /** Milliseconds since 1970: later events did not count. */
      asOf: z.int(),
      /** Number of the last join. */
      generation: count,
      /** Events files there were. */
      files: count,
      /** By date. */
      days: z.record(z.string(), dayState),
      /** Text of the dataset configuration. */
      dataset: z.string(),
    })
    .optional(),
});
export type JoinState = z.output<typeof stateSchema>;

export const joinFolder = (out: string): string => join(out, '.join');
export const eventsFolder = (out: string): string => join(joinFolder(out), 'log');
export const workFolder = (out: string): string => join(joinFolder(out), 'work');
const statePath = (out: string): string => join(joinFolder(out), 'state.json');

/** Folder of the rows of a day, relative to the folder of all rows. */
export const dayFolder = (day: string, generation: number): string => `day=${day}/g${generation}`;

/** Undefined where nothing was joined yet. Throws JOIN_STATE, FILE_UNREADABLE. */
export function readState(out: string): JoinState | undefined {
  const path = statePath(out);
  if (!existsSync(path)) return undefined;
  const damaged = (problem: string, cause?: unknown) => error('JOIN_STATE', { path, problem }, cause);
  let content: ReturnType<typeof unseal>;
  try {
    content = unseal(readDescription(path, 'the state of a join'));
  } catch (cause) {
    throw cause instanceof SyntaxError ? damaged('it is not JSON', cause) : cause;
  }
  if (!('value' in content)) throw damaged('its checksum is not that of its content');
  const parsed = stateSchema.safeParse(content.value);
  if (!parsed.success) throw damaged(z.prettifyError(parsed.error).replaceAll(/\s*\n\s*/g, ' '));
  return parsed.data;
}

/** From here on what it names counts. */
export const writeState = (out: string, state: JoinState): void => writeFileAtomic(statePath(out), seal(state));
