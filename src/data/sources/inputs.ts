/** The files that a data set is made of: hashed, and compared with what was recorded. */
import { statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { asReadError } from '../../base/files.ts';
import { sha256File } from '../../base/hash.ts';
import type { InputFile } from '../prepared/prepared.ts';

/** Size, time and hash of the files. Throws FILE_UNREADABLE. */
export async function recordInputs(paths: string[], sourceFolder: string): Promise<InputFile[]> {
  const inputs: InputFile[] = [];
  for (const path of paths) {
    try {
      const { size, mtimeMs } = statSync(path);
      const name = relative(resolve(sourceFolder), path);
      inputs.push({ path: name, bytes: size, modified: Math.round(mtimeMs), sha256: await sha256File(path) });
    } catch (cause) {
      throw asReadError(cause, path, 'a source file');
    }
  }
  return inputs;
}

/** Are these the files recorded, unchanged? Content is read only where size is the same and the time is not. */
export async function sameInputs(recorded: InputFile[], paths: string[], sourceFolder: string): Promise<boolean> {
  if (recorded.length !== paths.length) return false;
  for (const [i, path] of paths.entries()) {
    const { size, mtimeMs } = statSync(path);
    const { path: name, bytes, modified, sha256 } = recorded[i];
    if (join(resolve(sourceFolder), name) !== path || bytes !== size) return false;
    if (modified !== Math.round(mtimeMs) && sha256 !== (await sha256File(path))) return false;
  }
  return true;
}
