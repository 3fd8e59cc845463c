/** Private copies of the artifacts that a service uses: those served, those kept for a rollback, those with open requests. */
import { existsSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { error } from '../../base/errors/index.ts';
import type { TableSet } from '../../features/contract.ts';
import { checkFiles, readManifest } from '../../store/artifact/manifest-file.ts';
import { MANIFEST } from '../../store/artifact/paths.ts';
import { holdPlace } from '../../store/artifact/place.ts';
import { copyArtifact } from '../../store/artifact/private-copy.ts';
import { makePrivateFolder } from '../../store/artifact/private-folder.ts';

/** A private copy of an artifact, identified by its content. */
export interface StoredArtifact {
  id: string;
  /** The artifact's own name; a model may be served under another. */
  name: string;
  created: string;
  /** Absolute path of the folder that was copied, links resolved. It may contain another artifact by now. */
  source: string;
  /** Folder of the private copy. */
  folder: string;
  /** SHA-256 of its manifest, which lists the checksums of all files. */
  checksum: string;
  /** Where requests to it may leave out values. */
  tables?: TableSet;
}

export interface ArtifactStore {
  /**
   * Copies and verifies the artifact at `path`, and keeps the copy until it is released. Equal artifacts share one copy.
   *
   * @param within the artifact must lie in this folder, links resolved
   * @throws what copyArtifact throws
   */
  keep(path: string, within?: string): Promise<StoredArtifact>;
  /** Restores a copy that somebody removed, if its source still has the same content. Throws what copyArtifact throws. */
  check(stored: StoredArtifact): Promise<void>;
  /** Undoes one `keep`; the last one removes the copy. */
  release(stored: StoredArtifact): void;
  /** Removes all copies. */
  remove(): void;
}

/** @throws CACHE_UNWRITABLE */
export async function createArtifactStore(cacheFolder: string | undefined): Promise<ArtifactStore> {
  const own = await makePrivateFolder(cacheFolder);
  const holders = new Map<string, number>();
  let made = 0;
  const next = (kind: string): string => join(own.path, `${kind}-${++made}`);

  /** Frees the name now and removes the files later, at the latest with the whole folder. */
  const discard = (folder: string): void => {
    if (!existsSync(folder)) return;
    const away = next('leaving');
    renameSync(folder, away);
    rm(away, { recursive: true, force: true }).catch(() => {});
  };

  return {
    async keep(from, within) {
      const into = next('incoming');
      const { manifest, checksum, source } = await copyArtifact({ from, into, within });
      const { id, name, created } = manifest;
      const folder = join(own.path, `${id}-${checksum.slice(0, 16)}`);
      if (isWhole(folder)) discard(into);
      else {
        discard(folder);
        renameSync(into, folder);
      }
      holders.set(folder, (holders.get(folder) ?? 0) + 1);
      return { id, name, created, source, folder, checksum };
    },
    async check({ folder, source, checksum: expected }) {
      if (isWhole(folder)) return;
      const into = next('incoming');
      const { checksum: found } = await copyArtifact({ from: source, into });
      if (found !== expected) {
        discard(into);
        throw error('ARTIFACT_FILE_CHANGED', { path: join(source, MANIFEST), expected, found });
      }
      discard(folder);
      renameSync(into, folder);
    },
    release({ folder }) {
      const left = (holders.get(folder) ?? 0) - 1;
      holders.set(folder, left);
      if (left > 0) return;
      holders.delete(folder);
      discard(folder);
    },
    remove: () => own.remove(),
  };
}

/** Are all files still there? Contents are not read again: nobody else may write there. */
function isWhole(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const place = holdPlace(folder);
  try {
    checkFiles(place, readManifest(place).manifest);
    return true;
  } catch {
    return false;
  } finally {
    place.close();
  }
}
