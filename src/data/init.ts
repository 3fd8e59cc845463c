/** `init`: proposes a dataset configuration for files that it has looked at, with a reason beside every choice. */
import { resolve } from 'node:path';
import { writeFileAtomic } from '../base/files.ts';
import type { DatasetInput } from '../config/dataset.ts';
import { openDuckDB } from './duckdb.ts';
import { profileFiles } from './init/profile.ts';
import { propose } from './init/propose.ts';
import { toYaml } from './init/yaml.ts';

export interface InitOptions {
  /** File to write the YAML to. Default: nothing is written. */
  out?: string;
  memoryLimit?: string;
}

export interface Proposal {
  config: DatasetInput;
  /** The same with the reasons as comments. */
  yaml: string;
  /** Folder that the paths in the configuration start from. */
  sourceFolder: string;
}

/**
 * Looks at CSV, Parquet or JSON-lines files and proposes how to learn from them. The proposal can be prepared as it is;
 * whether it makes sense is for the reader: labels and scenario are guessed from names and values.
 * Throws INIT_NO_LABEL, INIT_NO_JOIN, and what reading a source can throw.
 */
export async function init(files: string[], { out, memoryLimit }: InitOptions = {}): Promise<Proposal> {
  const { connection, close } = await openDuckDB({
    memoryLimit,
    access: { files: files.map((file) => resolve(file)) },
  });
  try {
    const { folder, sources } = await profileFiles(connection, files);
    const { config, reasons } = await propose(connection, sources);
    const yaml = toYaml(config, reasons);
    if (out !== undefined) writeFileAtomic(out, yaml);
    return { config, yaml, sourceFolder: folder };
  } finally {
    close();
  }
}
