/** Reads a configuration file: YAML, JSON, or the default export of a TypeScript or JavaScript module. */
import { extname } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { importModule, MODULE_EXTENSIONS } from '../../base/modules.ts';
import { defineComparison } from '../compare.ts';
import { PROTOTYPE } from '../dataset/names.ts';
import { defineDataset } from '../dataset.ts';
import { defineRun } from '../run.ts';
import { defineTune } from '../tune.ts';
import { parseStrictJson } from './json.ts';
import { plainCopy } from './plain.ts';
import { readConfigText } from './text.ts';
import { parseYaml } from './yaml.ts';

/** YAML is read at some 300 KB a second. */
const MOST_YAML_BYTES = 2 ** 20;
const MOST_BYTES = 16 * 2 ** 20;

/**
 * What the file says, not checked yet.
 *
 * @throws FILE_MISSING, FILE_UNREADABLE, CONFIG_UNREADABLE (with line and column where the syntax is wrong), CONFIG_INVALID
 * for an entry called `__proto__`: schemas leave it out without a word
 */
export async function readConfig(path: string): Promise<unknown> {
  return asPlain((await readAny(path)).value, `the configuration (${path})`);
}

/** A configuration as plain data. Throws CONFIG_INVALID where it is anything else, or has an entry called `__proto__`. */
export function asPlain(config: unknown, source: string): unknown {
  const copied = plainCopy(config);
  if (!('value' in copied)) throw error('CONFIG_INVALID', { source, problems: [copied] });
  const found = prototypeEntry(copied.value);
  if (found === undefined) return copied.value;
  throw error('CONFIG_INVALID', { source, problems: [{ path: found, message: PROTOTYPE }] });
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

/** What a file says, in an object of its own: what it says may be a promise. */
async function readAny(path: string): Promise<{ value: unknown }> {
  const extension = extname(path).toLowerCase();
  if (extension === '.yaml' || extension === '.yml') return { value: readYaml(path) };
  if (extension === '.json') return { value: readJson(path) };
  if (MODULE_EXTENSIONS.includes(extension)) return readModule(path);
  const problem = `expected a name that ends in .yaml, .yml, .json, ${MODULE_EXTENSIONS.join(', ')}`;
  throw error('CONFIG_UNREADABLE', { path, problems: [problem] });
}

function readYaml(path: string): unknown {
  const parsed = parseYaml(readConfigText(path, MOST_YAML_BYTES));
  if ('value' in parsed) return parsed.value;
  throw unreadable(path, parsed.problems);
}

function readJson(path: string): unknown {
  const text = readConfigText(path, MOST_BYTES);
  try {
    return parseStrictJson(text);
  } catch (cause) {
    throw unreadable(path, [(cause as Error).message], cause);
  }
}

async function readModule(path: string): Promise<{ value: unknown }> {
  readConfigText(path, MOST_BYTES); // for its errors: the loader's say less
  // The module gets the helpers under the package's name, so that a lone file works wherever the command is installed.
  // Version 0.1 was called `tributary`: its modules go on working.
  const helpers = { defineRun, defineDataset, defineTune, defineComparison };
  const loaded = await importModule(path, { 'tributary-ranker': helpers, tributary: helpers }).catch((cause: Error) => {
    throw unreadable(path, [cause.message], cause);
  });
  if (loaded?.default !== undefined) return { value: loaded.default };
  throw unreadable(path, ['expected `export default { ... }`']);
}

const unreadable = (path: string, problems: string[], cause?: unknown) =>
  error('CONFIG_UNREADABLE', { path, problems }, cause);
