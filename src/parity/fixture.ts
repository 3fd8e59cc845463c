/**
 * Reference fixtures: `<name>.json` (what was computed, how, and the tolerances), `<name>.safetensors` (the numbers) and, if files
 * were the input, a folder `<name>/`. The content of a fixture gives its kind; the name has no meaning.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from '../base/files.ts';
import { readSafetensors } from '../store/safetensors.ts';
import type { StoredTensor } from '../store/tensors.ts';

/** A fixture that cannot be checked as it stands: the message becomes the reason of its row. */
export class NotUnderstood extends Error {}

/** Entries that describe a reference without changing its numbers. Texts are always notes. */
const NOTES = [/^tensors$/, /^elements_with_tiny_gradient$/, /^float32_run_/];

/** A fixture that records which of its entries were read, so that no entry is silently left unchecked. */
export class Fixture {
  readonly name: string;
  /** The folder of raw files, if there is one. */
  readonly folder: string | undefined;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly #entries: ReadonlyMap<string, unknown>;
  readonly #read = new Set<string>();
  readonly #taken = new Set<string>();

  constructor(
    name: string,
    entries: Record<string, unknown>,
    tensors: ReadonlyMap<string, StoredTensor>,
    folder: string | undefined,
  ) {
    this.name = name;
    this.#entries = new Map(Object.entries(entries));
    this.tensors = tensors;
    this.folder = folder;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** An entry of the JSON file; undefined if absent. */
  entry(key: string): unknown {
    this.#read.add(key);
    return this.#entries.get(key);
  }

  /** Names of the tensors that begin with `prefix`. */
  names(prefix: string): string[] {
    return [...this.tensors.keys()].filter((name) => name.startsWith(prefix));
  }

  /** A tensor, of this shape if given. */
  tensor(name: string, shape?: readonly number[]): StoredTensor {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new NotUnderstood(`it has no tensor ${name}`);
    if (shape !== undefined && tensor.shape.join() !== shape.join())
      throw new NotUnderstood(`${name} has shape [${tensor.shape}], expected [${shape}]`);
    this.#taken.add(name);
    return tensor;
  }

  floats(name: string, shape?: readonly number[]): Float32Array {
    return this.#typed(name, Float32Array, 'float32', shape);
  }

  ints(name: string, shape?: readonly number[]): Int32Array {
    return this.#typed(name, Int32Array, 'int32', shape);
  }

  #typed<A>(name: string, kind: new (...args: never[]) => A, type: string, shape?: readonly number[]): A {
    const { data, dtype } = this.tensor(name, shape);
    if (!(data instanceof kind)) throw new NotUnderstood(`${name} is ${dtype}, expected ${type}`);
    return data;
  }

  /** Entries that were not read so far and are not notes. */
  unreadEntries(): Record<string, unknown> {
    return Object.fromEntries(
      [...this.#entries].filter(
        ([key, value]) => !this.#read.has(key) && !isText(value) && !NOTES.some((note) => note.test(key)),
      ),
    );
  }

  untakenTensors(): string[] {
    return [...this.tensors.keys()].filter((name) => !this.#taken.has(name));
  }
}

/** Text all the way down. */
const isText = (value: unknown): boolean =>
  typeof value === 'string' ||
  value === null ||
  (typeof value === 'object' && Object.values(value).length > 0 && Object.values(value).every(isText));

/**
 * Names of a folder's fixtures, in order. If a folder has no fixtures, its subfolders are searched, and fixtures are named by
 * their paths (`models/autoifs/ticket`). A folder with fixtures is not searched further, since its subfolders have raw files.
 */
export function fixtureNames(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  const stems = entries.flatMap(({ name }) => /^(.+)\.(?:json|safetensors)$/.exec(name)?.[1] ?? []);
  if (stems.length > 0) return [...new Set(stems)].sort();
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return folders.sort().flatMap((sub) => fixtureNames(join(folder, sub)).map((name) => `${sub}/${name}`));
}

/** Reads a fixture. Throws NotUnderstood, FILE_UNREADABLE, SAFETENSORS_INVALID. */
export function readFixture(folder: string, name: string): Fixture {
  const path = join(folder, name);
  if (!existsSync(`${path}.json`)) throw new NotUnderstood(`${name}.safetensors has no ${name}.json next to it`);
  const entries = parse(readText(`${path}.json`, 'a fixture'));
  const tensors = existsSync(`${path}.safetensors`) ? readSafetensors(`${path}.safetensors`).tensors : new Map();
  checkListing(entries.tensors, tensors);
  const raw = existsSync(path) && statSync(path).isDirectory() ? path : undefined;
  return new Fixture(name, entries, tensors, raw);
}

function parse(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new NotUnderstood(`its JSON file cannot be read: ${(cause as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new NotUnderstood('its JSON file holds no object');
  return value as Record<string, unknown>;
}

/** If the JSON file lists tensors, the tensor file must contain exactly these. */
function checkListing(listed: unknown, tensors: ReadonlyMap<string, StoredTensor>): void {
  if (listed === undefined) return;
  const expected = Object.entries(listed as Record<string, { shape?: number[] }>);
  const problems = [
    ...expected.flatMap(([name, { shape }]) => {
      const found = tensors.get(name);
      if (found === undefined) return [`${name} is missing`];
      return found.shape.join() === shape?.join() ? [] : [`${name} has shape [${found.shape}], listed is [${shape}]`];
    }),
    ...[...tensors.keys()]
      .filter((name) => !expected.some(([key]) => key === name))
      .map((name) => `${name} is not listed`),
  ];
  if (problems.length > 0) throw new NotUnderstood(`tensors differ from its list: ${some(problems)}`);
}

/** The first few of many. */
export const some = (texts: readonly string[], max = 5): string =>
  texts.length <= max ? texts.join(', ') : `${texts.slice(0, max).join(', ')} and ${texts.length - max} more`;
