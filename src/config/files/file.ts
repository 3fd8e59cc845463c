/** Reads a configuration file: YAML, JSON, or the default export of a TypeScript or JavaScript module. */
import { extname, resolve } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { defineComparison } from '../compare.ts';
import { defineDataset, PROTOTYPE } from '../dataset.ts';
import { defineRun } from '../run.ts';
import { defineTune } from '../tune.ts';
import { parseStrictJson } from './json.ts';
import { plainCopy } from './plain.ts';
import { readConfigText } from './text.ts';
import { parseYaml } from './yaml.ts';

/** YAML is read at some 300 KB a second. */
const MOST_YAML_BYTES = 2 ** 20;
const MOST_BYTES = 16 * 2 ** 20;
const MODULES = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];

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
  if (MODULES.includes(extension)) return readModule(path);
  const problem = `expected a name that ends in .yaml, .yml, .json, ${MODULES.join(', ')}`;
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
  let loaded: { default?: unknown };
  try {
    loaded = await settled(jiti.import(resolve(path)));
  } catch (cause) {
    throw unreadable(path, [thrown(cause, resolve(path))], cause);
  }
  if (loaded?.default !== undefined) return { value: loaded.default };
  throw unreadable(path, ['expected `export default { ... }`']);
}

/** What a promise gives. Rejects when nothing is left to run that could settle it: the process would end without a word. */
async function settled<T>(promise: Promise<unknown>): Promise<T> {
  let stop: () => void = () => {};
  const never = new Promise<never>((_, reject) => {
    stop = () => reject(new Error('it awaits what never comes'));
    process.once('beforeExit', stop);
  });
  try {
    return (await Promise.race([promise, never])) as T;
  } finally {
    process.off('beforeExit', stop);
  }
}

/** What a module threw, with the line of the configuration that it came from. */
function thrown(cause: unknown, path: string): string {
  if (!(cause instanceof Error))
    return `it throws ${typeof cause === 'string' ? JSON.stringify(cause) : String(cause)}`;
  const [message] = cause.message.split('\n');
  const line = (cause.stack ?? '').split('\n').find((frame) => frame.includes(path) && /:\d+/.test(frame));
  const place = line === undefined ? undefined : /:(\d+)(?::(\d+))?\)?$/.exec(line.trim());
  const name = cause.name === 'Error' ? '' : `${cause.name}: `;
  return `${place ? `line ${place[1]}: ` : ''}${name}${message}`;
}

const unreadable = (path: string, problems: string[], cause?: unknown) =>
  error('CONFIG_UNREADABLE', { path, problems }, cause);
