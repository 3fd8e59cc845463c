/** Loads a user's TypeScript or JavaScript module. */
import { resolve } from 'node:path';

/** Endings of files that are modules. */
export const MODULE_EXTENSIONS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];

/**
 * What a module exports.
 *
 * @param provided modules that it may import by name, whatever is installed where it lies
 * @throws Error whose message says in one line what went wrong, with the line of the module where that is known
 */
export async function importModule(
  path: string,
  provided: Readonly<Record<string, object>>,
): Promise<{ default?: unknown }> {
  const { createJiti } = await import('jiti'); // a tenth of a second that most commands need not wait
  const jiti = createJiti(import.meta.url, {
    virtualModules: provided as Record<string, unknown>,
    interopDefault: false,
    fsCache: false,
    moduleCache: false,
  });
  try {
    return await settled(jiti.import(resolve(path)));
  } catch (cause) {
    throw new Error(thrown(cause, resolve(path)), { cause });
  }
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

/** What a module threw, with the line of the module that it came from. */
function thrown(cause: unknown, path: string): string {
  if (!(cause instanceof Error))
    return `it throws ${typeof cause === 'string' ? JSON.stringify(cause) : String(cause)}`;
  const [message] = cause.message.split('\n');
  const line = (cause.stack ?? '').split('\n').find((frame) => frame.includes(path) && /:\d+/.test(frame));
  const place = line === undefined ? undefined : /:(\d+)(?::(\d+))?\)?$/.exec(line.trim());
  const name = cause.name === 'Error' ? '' : `${cause.name}: `;
  return `${place ? `line ${place[1]}: ` : ''}${name}${message}`;
}
