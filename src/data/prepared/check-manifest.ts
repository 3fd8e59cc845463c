/**
 * From the text of a manifest to a manifest that `prepare` wrote. Its names, numbers and types become part of SQL and of paths;
 * whoever edited it may have computed its checksums, too.
 */
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { canonicalJson, sha256 } from '../../base/hash.ts';
import { parseJson } from '../../base/json.ts';
import { UNREADABLE, unseal } from '../../base/seal.ts';
import { fieldKind } from '../../config/dataset/fields.ts';
import type { Manifest } from './prepared.ts';

/** The file of a data set that its own hash leaves out. */
export const STATISTICS = 'statistics.json';

/** What to do about a damaged file of a prepared data set. */
export const ADVICE = 'Restore it from a copy, or run tributary prepare again';

/**
 * The manifest in the text of the file `path` of a folder.
 *
 * @throws DATA_NOT_PREPARED, DATA_VERSION, CHECKSUM_MISMATCH
 */
export function checkedManifest(folder: string, path: string, text: string): Manifest {
  const { manifest, mismatch } = parseManifest(folder, text);
  const { version } = manifest;
  if (version !== 1 && version !== 2)
    throw error('DATA_VERSION', { path: folder, found: version, expected: '1 and 2' });
  if (manifest.fields === undefined || manifest.splits === undefined || manifest.hash === undefined)
    throw error('DATA_NOT_PREPARED', { path: folder, reason: 'its manifest.json is incomplete' });
  // Version 1 wrote none.
  if (mismatch !== undefined && (version > 1 || mismatch.expected !== UNREADABLE))
    throw error('CHECKSUM_MISMATCH', { path, ...mismatch, advice: ADVICE });
  const found = manifestHash(manifest as Manifest);
  if (found !== manifest.hash)
    throw error('CHECKSUM_MISMATCH', { path, expected: String(manifest.hash), found, advice: ADVICE });
  const problem = manifestProblem(manifest);
  if (problem !== undefined)
    throw error('DATA_NOT_PREPARED', {
      path: folder,
      reason: `its manifest.json is not one that prepare writes: ${problem}`,
    });
  return manifest as Manifest;
}

/** The object in a manifest's text, and the checksums that disagree, if they do. */
function parseManifest(
  folder: string,
  text: string,
): { manifest: Partial<Manifest>; mismatch?: { expected: string; found: string } } {
  const damaged = (cause?: unknown) =>
    error('DATA_NOT_PREPARED', { path: folder, reason: 'its manifest.json is damaged' }, cause);
  try {
    const content = unseal(text);
    const manifest = 'value' in content ? content.value : parseJson(text);
    if (manifest === null || typeof manifest !== 'object') throw damaged();
    return { manifest, ...(!('value' in content) && { mismatch: content }) };
  } catch (cause) {
    throw cause instanceof SyntaxError ? damaged(cause) : cause;
  }
}

/**
 * The data set's own hash: rows, vocabularies and what they mean. It does not depend on where the data came from, on what is
 * counted of them, or on how the manifest is laid out, so that a later version which prepares the same rows gives the same hash.
 */
export function manifestHash(manifest: Omit<Manifest, 'hash'>): string {
  if (manifest.version === 1) return hashOfVersion1(manifest);
  const { name, fields, sequences, tableRows, scenarios, tasks, splits, hasWeight, hasGroup } = manifest;
  const isCounted = (file: string): boolean => file === STATISTICS || file.endsWith('.sightings.parquet');
  const vocabularies = Object.entries(manifest.files ?? {}).filter(([file]) => !isCounted(file));
  const content = { name, fields, sequences, tableRows, scenarios, tasks, splits, hasWeight, hasGroup, vocabularies };
  return sha256(canonicalJson(content));
}

/** Over all but places and times. */
function hashOfVersion1(manifest: Omit<Manifest, 'hash'> & { hash?: string }): string {
  const { sourceFolder: _s, hash: _h, ...content } = manifest;
  // A damaged manifest may have anything here.
  const inputs = Array.isArray(content.inputs)
    ? content.inputs.map((input) => ({ ...input, modified: undefined }))
    : content.inputs;
  return sha256(canonicalJson({ ...content, inputs }));
}

const whole = z.int().min(0);
const name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected a name');
/** The name of a file in the folder itself. */
const fileName = z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/, 'expected the name of a file');
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256');

/** DuckDB's name of a type: words, numbers and quoted names in balanced brackets, like `STRUCT("a b" INTEGER, c VARCHAR[])`. */
const type = z.string().refine(isTypeName, 'expected the name of a type');

const source = z.looseObject({
  path: z.union([z.string(), z.array(z.string())]),
  format: z.enum(['auto', 'csv', 'parquet', 'json']),
  encoding: z.enum(['auto', 'utf-8', 'latin-1', 'utf-16']),
  delimiter: z.string().optional(),
  quote: z.string().optional(),
  escape: z.string().optional(),
  header: z.boolean().optional(),
  columns: z.array(z.string()).optional(),
  nullValues: z.array(z.string()),
  fileColumn: z.string().optional(),
  derive: z.record(z.string(), z.string()).optional(),
});

const field = z.looseObject({
  name,
  kind: fieldKind,
  expression: z.string().optional(),
  separator: z.string().optional(),
  maxLength: whole.optional(),
  minCount: whole.optional(),
  hash: whole.optional(),
});

/** The configuration as far as its values, other than expressions, become part of SQL. */
const config = z.looseObject({
  name: z.string(),
  from: z.string().optional(),
  sources: z.record(name, source),
  joins: z.array(
    z.looseObject({ source: z.string(), on: z.record(z.string(), z.string()), kind: z.enum(['left', 'inner']) }),
  ),
  fields: z.array(field),
  groupRowsBy: z.array(z.string()),
  scenario: z.looseObject({ expression: z.string(), values: z.array(z.union([z.string(), z.int()])) }),
  tasks: z.array(z.looseObject({ name, label: z.string() })),
  where: z.string().optional(),
  weight: z.string().optional(),
  group: z.string().optional(),
  split: z.looseObject({ kind: z.string(), seed: whole.optional(), ratios: z.array(z.number()).optional() }),
  sequences: z
    .looseObject({
      key: z.string().optional(),
      time: z.string().optional(),
      item: z.string(),
      length: whole,
      types: z.record(name, z.string()).optional(),
      given: z.record(name, z.string()).optional(),
    })
    .optional(),
});

const split = z.looseObject({ rows: whole, file: fileName, sha256: digest });

const manifestSchema = z.looseObject({
  config,
  columns: z.record(
    z.string(),
    z.array(z.looseObject({ name: z.string(), type, written: z.literal(true).optional() })),
  ),
  sourceFolder: z.string(),
  fields: z.array(
    z.looseObject({
      name,
      kind: fieldKind,
      offset: whole,
      size: whole,
      slots: whole,
      edges: z.array(z.number()).optional(),
      rates: z.looseObject({ of: z.array(name), unknown: whole }).optional(),
    }),
  ),
  sequences: z.looseObject({ itemField: name, length: whole, types: z.array(name) }).optional(),
  tableRows: whole,
  scenarios: z.array(z.string()),
  tasks: z.array(name),
  splits: z.looseObject({ train: split, validation: split, test: split }),
  hasWeight: z.boolean(),
  hasGroup: z.boolean(),
  files: z.record(z.string(), digest),
  hash: digest,
});

/** What is wrong with a manifest first, with its place; undefined where nothing is. */
function manifestProblem(manifest: unknown): string | undefined {
  const parsed = manifestSchema.safeParse(manifest);
  if (parsed.success) return fieldsProblem(parsed.data);
  const [{ path, message }] = parsed.error.issues;
  return `${path.join('.')}: ${message}`;
}

/** Fields of the data are those of the configuration, in its order. */
function fieldsProblem({ fields, config, tasks }: z.output<typeof manifestSchema>): string | undefined {
  const names = (list: { name: string }[]): string => JSON.stringify(list.map(({ name }) => name));
  if (names(fields) !== names(config.fields)) return 'fields: expected those of the configuration';
  return JSON.stringify(tasks) === names(config.tasks) ? undefined : 'tasks: expected those of the configuration';
}

/** Word, number, quoted name or text, bracket, comma. */
const TYPE_TOKEN = /\s*(?:[A-Za-z_][A-Za-z0-9_]*|\d+|"(?:[^"]|"")*"|'(?:[^']|'')*'|[()[\],])/y;

function isTypeName(text: string): boolean {
  const open: string[] = [];
  for (TYPE_TOKEN.lastIndex = 0; TYPE_TOKEN.lastIndex < text.length; ) {
    const token = TYPE_TOKEN.exec(text)?.[0].trim();
    if (token === undefined) return false;
    if (token === '(' || token === '[') open.push(token);
    else if (token === ')' || token === ']') {
      if (open.pop() !== (token === ')' ? '(' : '[')) return false;
    } else if (token === ',' && open.length === 0) return false;
  }
  return open.length === 0 && text !== '';
}
