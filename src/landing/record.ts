/** What is written next to rows that have landed: where they came from, and what they are. */
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { error } from '../base/errors/index.ts';
import { readDescription } from '../base/files.ts';
import { parseJson } from '../base/json.ts';

/** Hidden files are no tables. */
const RECORD = '.landed.json';

const landingSchema = z.object({
  version: z.literal(1),
  /** Hash of the query or command and of the server. */
  key: z.string(),
  from: z.string(),
  snapshot: z.string().optional(),
  /** Milliseconds since 1970: PostgreSQL, when the snapshot was taken. */
  time: z.int(),
  /** Not known of what a program prints. */
  rows: z.int().optional(),
  bytes: z.int(),
  /** Columns that stayed at the server since nothing needs them. */
  leftOut: z.array(z.string()),
});

export type Landing = z.output<typeof landingSchema>;
export type LandedRows = Pick<Landing, 'time' | 'rows' | 'leftOut'>;

/** Undefined where nothing has landed. */
export function readLanding(folder: string): Landing | undefined {
  const path = join(folder, RECORD);
  if (!existsSync(path)) return undefined;
  try {
    return landingSchema.safeParse(parseJson(readDescription(path, 'the record of rows that landed'))).data;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined; // it lands again
    throw cause;
  }
}

export function writeLanding(folder: string, landing: Omit<Landing, 'version' | 'bytes'>): Landing {
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const record: Landing = { version: 1, ...landing, bytes };
  writeFileSync(join(folder, RECORD), `${JSON.stringify(record, undefined, 1)}\n`);
  return record;
}

/** Throws LANDING_OCCUPIED unless rows have landed in the folder. */
export function checkLanded(folder: string, source: string): void {
  if (!existsSync(join(folder, RECORD))) throw error('LANDING_OCCUPIED', { source, folder });
}
