/**
 * Opening an artifact: nothing of it is used before all of it is known to be what its manifest says. Whoever changes a
 * file and its checksums alike is not found out: take artifacts from places you trust.
 */
import { existsSync, lstatSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { error } from '../base/errors/index.ts';
import { readBytes, readText } from '../base/files.ts';
import { sha256, sha256File } from '../base/hash.ts';
import { unseal } from '../base/seal.ts';
import { type FieldConfig, fieldSchema } from '../config/dataset.ts';
import { checkFlows, checkGraph } from './check-graph.ts';
import { manifestProblems } from './check-manifest.ts';
import { type ArtifactManifest, artifactSchema } from './manifest.ts';
import { INSIDE, MANIFEST, RESERVED_IDS } from './paths.ts';
import { type ArtifactStatistics, statisticsSchema } from './statistics.ts';

const FORMAT = 'tributary-artifact';

export interface Artifact {
  /** Absolute, links resolved. */
  folder: string;
  manifest: ArtifactManifest;
  /** What the row encoder is made of: give it to createRowEncoder. */
  encoder: {
    config: { fields: FieldConfig[] };
    fields: ArtifactManifest['data']['fields'];
    sequences: ArtifactManifest['data']['sequences'];
    /** Tokens of a field by id, empty texts for the reserved ones; none for hashed fields. */
    tokens: (field: string) => string[];
  };
  statistics: ArtifactStatistics;
  /** Absolute path of a file that the manifest names: of a graph, what createSession takes. */
  path: (file: string) => string;
}

/**
 * Opens an artifact and verifies it byte for byte.
 *
 * @throws ARTIFACT_NOT_FOUND, ARTIFACT_SEAL, ARTIFACT_VERSION, ARTIFACT_PATH, ARTIFACT_INVALID, ARTIFACT_LINK,
 *   ARTIFACT_FILE_MISSING, ARTIFACT_FILE_UNEXPECTED, ARTIFACT_FILE_SIZE, ARTIFACT_FILE_CHANGED, ARTIFACT_FILE_INVALID,
 *   ARTIFACT_GRAPH
 */
export async function openArtifact(given: string): Promise<Artifact> {
  if (!existsSync(join(given, MANIFEST))) throw error('ARTIFACT_NOT_FOUND', { folder: given });
  const folder = realpathSync(given);
  const manifest = readArtifactManifest(folder);
  checkFiles(folder, manifest);
  const path = (file: string): string => join(folder, file);
  const small = await readFiles(folder, manifest);
  for (const graph of manifest.graphs)
    checkGraph(path(graph.file), small.get(graph.file) as Uint8Array, graph, manifest);
  if (manifest.flows !== undefined)
    checkFlows(path(manifest.flows.file), small.get(manifest.flows.file) as Uint8Array, manifest);
  const json = <T>(file: string, schema: z.ZodType<T>): T =>
    parseFile(path(file), small.get(file) as Uint8Array, schema);
  return {
    folder,
    manifest,
    encoder: encoderOf(manifest, (file, schema) => json(file, schema)),
    statistics: json('statistics.json', statisticsSchema),
    path,
  };
}

/** Reads and checks the manifest alone: of the other files nothing is known then. */
function readArtifactManifest(folder: string): ArtifactManifest {
  const path = join(folder, MANIFEST);
  if (!existsSync(path)) throw error('ARTIFACT_NOT_FOUND', { folder });
  if (!lstatSync(path).isFile()) throw error('ARTIFACT_LINK', { path, found: 'a link or a special file' });
  const content = unsealed(path);
  const { format, version } = content;
  if (format !== FORMAT)
    throw error('ARTIFACT_NOT_FOUND', { folder, advice: 'Its manifest.json belongs to something else' });
  if (version !== 1) throw error('ARTIFACT_VERSION', { path, found: String(version), expected: 1 });
  const names = namesIn(content).filter((name) => !INSIDE.test(name) || name === MANIFEST);
  if (names.length > 0) throw error('ARTIFACT_PATH', { path, names });
  const parsed = artifactSchema.safeParse(content);
  if (!parsed.success) throw error('ARTIFACT_INVALID', { path, problems: z.prettifyError(parsed.error).split('\n') });
  const problems = manifestProblems(parsed.data);
  if (problems.length > 0) throw error('ARTIFACT_INVALID', { path, problems });
  return parsed.data;
}

function unsealed(path: string): Record<string, unknown> {
  const text = readText(path, 'the manifest of an artifact');
  try {
    const content = unseal(text);
    if ('value' in content) return content.value as Record<string, unknown>;
    // Other programs have a manifest.json, too.
    if (!text.includes(FORMAT)) return {};
    throw error('ARTIFACT_SEAL', { path, ...content });
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw error('ARTIFACT_INVALID', { path, problems: [`it is not JSON: ${cause.message}`] }, cause);
  }
}

/** Every text of a manifest that stands for a file, whatever else is wrong with it. */
function namesIn({ files, graphs, flows, tables, data }: Record<string, unknown>): string[] {
  const entries = (list: unknown, key: string): unknown[] =>
    Array.isArray(list) ? list.map((entry) => (entry as Record<string, unknown> | null)?.[key]) : [];
  const fields = (data as Record<string, unknown> | undefined)?.fields;
  return [
    ...Object.keys((files as object | undefined) ?? {}),
    ...entries(graphs, 'file'),
    ...entries([flows], 'file'),
    ...entries(tables, 'file'),
    ...entries(fields, 'vocabulary'),
  ].filter((name) => typeof name === 'string');
}

/** Exactly the files of the manifest, each a plain one of its size. */
function checkFiles(folder: string, { files }: ArtifactManifest): void {
  const named = Object.keys(files);
  const folders = new Set(named.filter((name) => name.includes('/')).map((name) => name.split('/')[0]));
  const found: string[] = [];
  const visit = (inside: string): void => {
    for (const entry of readdirSync(join(folder, inside), { withFileTypes: true })) {
      const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
      if (entry.isDirectory() && folders.has(name)) visit(name);
      else if (entry.isSymbolicLink()) throw error('ARTIFACT_LINK', { path: join(folder, name), found: 'a link' });
      else if (entry.isFile() || entry.isDirectory()) found.push(name);
      else throw error('ARTIFACT_LINK', { path: join(folder, name), found: 'a special file' });
    }
  };
  visit('');
  const unexpected = found.filter((name) => name !== MANIFEST && !Object.hasOwn(files, name));
  const missing = named.filter((name) => !found.includes(name));
  if (missing.length > 0) throw error('ARTIFACT_FILE_MISSING', { folder, files: missing });
  if (unexpected.length > 0) throw error('ARTIFACT_FILE_UNEXPECTED', { folder, files: unexpected.sort() });
  for (const [name, { bytes }] of Object.entries(files)) {
    const path = join(folder, name);
    const { size } = lstatSync(path);
    if (size !== bytes) throw error('ARTIFACT_FILE_SIZE', { path, expected: bytes, found: size });
  }
}

/** Compares every file with its checksum. Returns the bytes of all but the tables, as they were compared. */
async function readFiles(folder: string, { files, tables }: ArtifactManifest): Promise<Map<string, Uint8Array>> {
  const large = new Set(tables.map(({ file }) => file));
  const small = new Map<string, Uint8Array>();
  for (const [name, { sha256: expected }] of Object.entries(files)) {
    const path = join(folder, name);
    if (!large.has(name)) small.set(name, readBytes(path, 'a file of an artifact'));
    const bytes = small.get(name);
    const found = bytes === undefined ? await sha256File(path) : sha256(bytes);
    if (found !== expected) throw error('ARTIFACT_FILE_CHANGED', { path, expected, found });
  }
  return small;
}

function parseFile<T>(path: string, bytes: Uint8Array, schema: z.ZodType<T>): T {
  const invalid = (problem: string) => error('ARTIFACT_FILE_INVALID', { path, problem });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid(`it is not JSON (${(cause as Error).message})`);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error).replaceAll('\n', ' '));
  return parsed.data;
}

/** The parts of the row encoder; vocabularies must have as many tokens as their fields have ids. */
function encoderOf(
  { data }: ArtifactManifest,
  read: <T>(file: string, schema: z.ZodType<T>) => T,
): Artifact['encoder'] {
  const { fields, sequences } = data;
  const vocabularies = new Map<string, string[]>();
  for (const { name, vocabulary, size } of fields) {
    if (vocabulary === undefined) continue;
    const tokens = read(
      vocabulary,
      z.array(z.string()).length(size - RESERVED_IDS, `the field ${name} has ${size - RESERVED_IDS} tokens`),
    );
    vocabularies.set(name, [...new Array<string>(RESERVED_IDS).fill(''), ...tokens]);
  }
  return {
    config: { fields: fields.map(({ config }) => fieldSchema.parse(config)) },
    fields,
    sequences,
    tokens: (field) => vocabularies.get(field) ?? [],
  };
}
