/** What a simulation leaves for the next command: days that are over, and events whose time has not come. */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { error } from '../base/errors/index.ts';
import { checkOurs, readText, writeFileAtomic } from '../base/files.ts';
import { canonicalJson, sha256 } from '../base/hash.ts';
import type { Shop } from './options.ts';
import type { Progress } from './simulate.ts';

const SCHEMA = 'simulation-state/1';

const stateSchema = z.strictObject({
  schema: z.literal(SCHEMA),
  /** SHA-256 of world, seed and first day. */
  shop: z.string(),
  days: z.int().min(0),
  held: z.array(
    z.strictObject({
      kind: z.enum(['interaction', 'correction']),
      event_id: z.string(),
      request_id: z.string(),
      item_id: z.string(),
      type: z.string(),
      time: z.int().min(0),
    }),
  ),
});

/** Undefined where the file is not there yet. @throws SIMULATION_STATE, FILE_UNREADABLE */
export function readState(path: string, shop: Shop): Progress | undefined {
  if (!existsSync(path)) return undefined;
  const parsed = stateSchema.safeParse(json(readText(path, 'the state of a simulation')));
  if (!parsed.success) throw error('SIMULATION_STATE', { path, problem: `expected a file of the schema ${SCHEMA}` });
  const { shop: found, days, held } = parsed.data;
  if (found !== idOf(shop))
    throw error('SIMULATION_STATE', { path, problem: 'its world, its seed or its first day is another one' });
  return { days, held };
}

/** @throws FILE_OCCUPIED, FILE_UNWRITABLE, DISK_FULL */
export function writeState(path: string, shop: Shop, { days, held }: Progress): void {
  checkOurs(path, 'the state of a simulation', (text) => stateSchema.safeParse(json(text)).success);
  writeFileAtomic(path, JSON.stringify({ schema: SCHEMA, shop: idOf(shop), days, held }));
}

const idOf = ({ world, seed, from }: Shop): string => sha256(canonicalJson({ world: world.options, seed, from }));

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
