/** Reads a sealed file of a run folder. */
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { readDescription } from '../../base/files.ts';
import { unseal } from '../../base/seal.ts';

/** @throws FILE_MISSING, FILE_UNREADABLE, FILE_TOO_LARGE, CHECKSUM_MISMATCH, RUN_DAMAGED */
export function readSealed<T>(path: string, expected: string, schema: z.ZodType<T>): T {
  const content = unsealFile(path, readDescription(path, expected));
  if (!('value' in content)) throw error('CHECKSUM_MISMATCH', { path, ...content });
  const parsed = schema.safeParse(content.value);
  if (!parsed.success) throw error('RUN_DAMAGED', { path, problem: z.prettifyError(parsed.error) });
  return parsed.data;
}

function unsealFile(path: string, text: string): ReturnType<typeof unseal> {
  try {
    return unseal(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw error('RUN_DAMAGED', { path, problem: `it is not JSON: ${cause.message}` }, cause);
  }
}
