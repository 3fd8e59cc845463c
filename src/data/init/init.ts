/** `init`: proposes a dataset configuration for files that it has looked at, with a reason for every choice. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join, parse, resolve } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { writeFileAtomic } from '../../base/files.ts';
import type { DatasetInput } from '../../config/dataset.ts';
import type { Finding } from '../checks/finding.ts';
import { openDuckDB } from '../sql/duckdb.ts';
import { registerNumberText } from '../sql/functions.ts';
import { findGroups } from './files.ts';
import { profileFiles } from './profile.ts';
import { configOf, propose } from './propose.ts';
import { revise } from './revise.ts';
import { toYaml } from './yaml.ts';

export interface InitOptions {
  /** File to write the configuration to: YAML with comments, or JSON by its name. Default: nothing is written. */
  out?: string;
  /** Overwrites `out` where it is there already. Default false. */
  force?: boolean;
  /** Folder that the paths in the configuration start from. Default: that of `out`, else the current one. */
  folder?: string;
  memoryLimit?: string;
}

export interface Proposal {
  config: DatasetInput;
  /** The same with the reasons as comments. */
  yaml: string;
  /** Folder that the paths in the configuration start from. */
  sourceFolder: string;
  /** What `validate` will find wrong whatever is chosen. */
  failures: Finding[];
}

/**
 * Looks at CSV, Parquet or JSON-lines files (also globs, and folders of them) and proposes how to learn from them. The
 * proposal passes `validate` where the data allow it, and can be prepared; whether it makes sense is for the reader: labels and
 * scenario are guessed from names and values.
 *
 * @throws INIT_NO_LABEL, INIT_NO_JOIN, INIT_JOIN_DUPLICATES, INIT_NO_FIELD, INIT_OUT_NAME, INIT_OUT_EXISTS, FILE_MISSING, and what reading a
 * source can throw
 */
export async function init(files: string[], options: InitOptions = {}): Promise<Proposal> {
  const { out, force = false, memoryLimit } = options;
  if (out !== undefined) checkOut(out, force, files);
  const folder = resolve(options.folder ?? (out === undefined ? '.' : dirname(out)));
  const groups = await findGroups(files, folder);
  const tempFolder = mkdtempSync(join(tmpdir(), 'tributary-init-'));
  const access = { files: groups.flatMap((group) => group.files) };
  const { connection, close } = await openDuckDB({ memoryLimit, tempFolder, access });
  try {
    await registerNumberText(connection);
    const sources = await profileFiles(connection, groups);
    const proposed = await propose(connection, sources);
    if (out !== undefined) proposed.name = parse(out).name || proposed.name; // `shop.yaml` is the data set shop
    const { draft, failures } = await revise(
      connection,
      proposed,
      sources.map(({ source }) => source),
    );
    const yaml = toYaml(draft, failures);
    if (out !== undefined)
      writeFileAtomic(out, extname(out) === '.json' ? `${JSON.stringify(configOf(draft), null, 2)}\n` : yaml);
    return { config: configOf(draft), yaml, sourceFolder: folder, failures };
  } finally {
    close();
    rmSync(tempFolder, { recursive: true, force: true });
  }
}

/** Throws INIT_OUT_NAME, INIT_OUT_EXISTS. */
function checkOut(out: string, force: boolean, files: string[]): void {
  if (!/\.(ya?ml|json)$/.test(out)) throw error('INIT_OUT_NAME', { path: out });
  const isInput = files.some((file) => resolve(file) === resolve(out));
  if (isInput || (!force && existsSync(out))) throw error('INIT_OUT_EXISTS', { path: out, isInput });
}
