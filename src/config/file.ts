/** Reads a configuration file: YAML, JSON, or the default export of a TypeScript or JavaScript module. */
import { extname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { error } from '../base/errors/index.ts';
import { readText } from '../base/files.ts';
import { defineComparison } from './compare.ts';
import { defineDataset, PROTOTYPE } from './dataset.ts';
import { defineRun } from './run.ts';
import { defineTune } from './tune.ts';

const MODULES = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];

/**
 * What the file says, not checked yet.
 *
 * @throws FILE_MISSING, FILE_UNREADABLE, CONFIG_UNREADABLE (with line and column where the syntax is wrong), CONFIG_INVALID
 * for an entry called `__proto__`: schemas leave it out without a word
 */
export async function readConfig(path: string): Promise<unknown> {
  const config = await readAny(path);
  const found = prototypeEntry(config);
  if (found === undefined) return config;
  const problems = [{ path: found, message: PROTOTYPE }];
  throw error('CONFIG_INVALID', { source: `the configuration (${path})`, problems });
}

/** Path of the first entry called `__proto__`. */
function prototypeEntry(config: unknown): string | undefined {
  const seen = new Set<object>();
  const open: [string, unknown][] = [['', config]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [path, value] = next;
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if (Object.hasOwn(value, '__proto__')) return `${path}__proto__`;
    for (const [key, inner] of Object.entries(value)) open.push([`${path}${key}.`, inner]);
  }
  return undefined;
}

async function readAny(path: string): Promise<unknown> {
  const extension = extname(path).toLowerCase();
  if (extension === '.yaml' || extension === '.yml') return readYaml(path);
  if (extension === '.json') return readJson(path);
  if (MODULES.includes(extension)) return readModule(path);
  const problem = `expected a name that ends in .yaml, .yml, .json, ${MODULES.join(', ')}`;
  throw error('CONFIG_UNREADABLE', { path, problems: [problem] });
}

function readYaml(path: string): unknown {
  const document = parseDocument(readText(path, 'a configuration'));
  if (document.errors.length > 0)
    throw error('CONFIG_UNREADABLE', { path, problems: document.errors.map(({ message }) => message) });
  return document.toJS();
}

function readJson(path: string): unknown {
  const text = readText(path, 'a configuration');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw error('CONFIG_UNREADABLE', { path, problems: [(cause as Error).message] }, cause);
  }
}

async function readModule(path: string): Promise<unknown> {
  readText(path, 'a configuration'); // for its errors: the loader's say less
  const { createJiti } = await import('jiti'); // a tenth of a second that most commands need not wait
  // The module gets the helpers under the package's name, so that a lone file works wherever the command is installed.
  // Version 0.1 was called `tributary`: its modules go on working.
  const helpers = { defineRun, defineDataset, defineTune, defineComparison };
  const jiti = createJiti(import.meta.url, {
    virtualModules: { 'tributary-ranker': helpers, tributary: helpers },
    interopDefault: false,
    fsCache: false,
    moduleCache: false,
  });
  let loaded: Record<string, unknown>;
  try {
    loaded = await jiti.import(resolve(path));
  } catch (cause) {
    throw error('CONFIG_UNREADABLE', { path, problems: [(cause as Error).message] }, cause);
  }
  if (loaded.default !== undefined) return loaded.default;
  throw error('CONFIG_UNREADABLE', { path, problems: ['expected `export default { ... }`'] });
}
