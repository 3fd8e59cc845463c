/** Models of a user, from module files: loaded before configurations are checked, and again wherever a run is opened. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { error, TributaryError } from '../base/errors/index.ts';
import { importModule } from '../base/modules.ts';

/** By path: a file is loaded once in a thread. */
const loading = new Map<string, Promise<void>>();

/**
 * Hands what module files export by default to `register`: a definition, or a list of them. A file that this thread has loaded
 * already is left alone.
 *
 * @throws MODEL_FILE_UNREADABLE, and what `register` throws
 */
export async function loadModelFiles(files: readonly string[], register: Register): Promise<void> {
  for (const file of files) {
    const path = resolve(file);
    const loaded = loading.get(path) ?? load(path, register);
    loading.set(path, loaded);
    await loaded;
  }
}

type Register = (definition: unknown, path: string) => void;

async function load(path: string, register: Register): Promise<void> {
  if (!existsSync(path)) throw unreadable(path, 'it does not exist');
  const [model, graph, { z }] = await Promise.all([import('./index.ts'), import('../graph/index.ts'), import('zod')]);
  // Under the package's names the module gets this very program, so that a lone file works wherever that is installed.
  const provided = {
    'tributary-ranker': { ...graph, ...model },
    'tributary-ranker/model': model,
    'tributary-ranker/graph': graph,
    zod: { z, default: z },
  };
  const { default: exported } = await importModule(path, provided).catch((cause) => {
    throw cause instanceof TributaryError ? cause : unreadable(path, (cause as Error).message, cause);
  });
  if (exported === undefined) throw unreadable(path, 'it has no default export');
  for (const definition of [exported].flat()) register(definition, path);
}

const unreadable = (path: string, reason: string, cause?: unknown) =>
  error('MODEL_FILE_UNREADABLE', { path, reason }, cause);
