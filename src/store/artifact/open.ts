/**
 * Opens an artifact. Everything is verified against the manifest before anything is used. A change of both a file and its checksums is
 * not detected: take artifacts only from sources that you trust.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { asReadError, readBytes } from '../../base/files.ts';
import { sha256, sha256File } from '../../base/hash.ts';
import { fieldSchema } from '../../config/dataset/fields.ts';
import type { FieldConfig } from '../../config/dataset.ts';
import { checkFlows, checkGraph } from './check-graph.ts';
import type { ArtifactManifest } from './manifest.ts';
import { checkFiles, readManifest } from './manifest-file.ts';
import { RESERVED_IDS } from './paths.ts';
import { holdPlace, type Place } from './place.ts';
import { type ArtifactStatistics, statisticsSchema } from './statistics.ts';

export interface Artifact {
  /** Absolute, links resolved. */
  folder: string;
  manifest: ArtifactManifest;
  /** Input of createRowEncoder. */
  encoder: {
    config: { fields: FieldConfig[] };
    fields: ArtifactManifest['data']['fields'];
    sequences: ArtifactManifest['data']['sequences'];
    /** Tokens of a field by id, with empty texts for reserved ids; none for hashed fields. */
    tokens: (field: string) => string[];
    /** Tables of rate fields. */
    rates: (field: string) => { keys: readonly number[]; ids: readonly number[] };
  };
  statistics: ArtifactStatistics;
  /** Absolute path of a file that the manifest names; for a graph, the input of createSession. */
  path: (file: string) => string;
}

export interface OpenOptions {
  /** The tables were already compared with their checksums and cannot have changed: a private copy. Default false. */
  tablesAreVerified?: boolean;
}

/**
 * Opens an artifact and verifies it byte for byte.
 *
 * @throws ARTIFACT_NOT_FOUND, ARTIFACT_SEAL, ARTIFACT_VERSION, ARTIFACT_PATH, ARTIFACT_INVALID, ARTIFACT_LINK,
 *   ARTIFACT_FILE_MISSING, ARTIFACT_FILE_UNEXPECTED, ARTIFACT_FILE_SIZE, ARTIFACT_FILE_CHANGED, ARTIFACT_FILE_INVALID,
 *   ARTIFACT_GRAPH, FILE_MISSING, FILE_UNREADABLE
 */
export async function openArtifact(given: string, options: OpenOptions = {}): Promise<Artifact> {
  const place = holdPlace(given);
  try {
    return await readArtifact(place, options);
  } finally {
    place.close();
  }
}

async function readArtifact(place: Place, { tablesAreVerified = false }: OpenOptions): Promise<Artifact> {
  const { folder, shown } = place;
  const { manifest } = readManifest(place);
  checkFiles(place, manifest);
  const small = await readFiles(place, manifest, tablesAreVerified);
  for (const graph of manifest.graphs)
    checkGraph(shown(graph.file), small.get(graph.file) as Uint8Array, graph, manifest);
  if (manifest.flows !== undefined)
    checkFlows(shown(manifest.flows.file), small.get(manifest.flows.file) as Uint8Array, manifest);
  const json = <T>(file: string, schema: z.ZodType<T>): T =>
    parseFile(shown(file), small.get(file) as Uint8Array, schema);
  return {
    folder,
    manifest,
    encoder: encoderOf(manifest, (file, schema) => json(file, schema)),
    statistics: json('statistics.json', statisticsSchema),
    path: (file) => join(folder, file),
  };
}

/** Compares files with their checksums. Returns the compared bytes of all files except the tables. */
async function readFiles(
  place: Place,
  { files, tables }: ArtifactManifest,
  tablesAreVerified: boolean,
): Promise<Map<string, Uint8Array>> {
  const large = new Set(tables.map(({ file }) => file));
  const small = new Map<string, Uint8Array>();
  for (const [name, { sha256: expected }] of Object.entries(files)) {
    if (large.has(name) && tablesAreVerified) continue;
    if (!large.has(name)) small.set(name, readBytes(place.at(name), A_FILE, place.shown(name)));
    const bytes = small.get(name);
    const found = bytes === undefined ? await hashOf(place, name) : sha256(bytes);
    if (found !== expected) throw error('ARTIFACT_FILE_CHANGED', { path: place.shown(name), expected, found });
  }
  return small;
}

const A_FILE = 'a file of an artifact';

const hashOf = (place: Place, name: string): Promise<string> =>
  sha256File(place.at(name)).catch((cause: unknown) => {
    throw asReadError(cause, place.shown(name), A_FILE);
  });

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

/** The parts of the row encoder; a vocabulary must have as many tokens as its field has ids. */
function encoderOf(
  { data }: ArtifactManifest,
  read: <T>(file: string, schema: z.ZodType<T>) => T,
): Artifact['encoder'] {
  const { fields, sequences } = data;
  const vocabularies = new Map<string, string[]>();
  const tables = new Map<string, z.output<ReturnType<typeof rateTable>>>();
  for (const { name, vocabulary, table, size } of fields) {
    if (table !== undefined) tables.set(name, read(table, rateTable(size)));
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
    rates: (field) => tables.get(field) ?? { keys: [], ids: [] },
  };
}

/** Ids beyond the field's own would read other rows of the embedding table. */
const rateTable = (size: number) =>
  z
    .strictObject({
      keys: z.array(z.int().min(0)),
      ids: z.array(
        z
          .int()
          .min(RESERVED_IDS)
          .max(size - 1),
      ),
    })
    .refine(({ keys, ids }) => keys.length === ids.length, 'expected as many ids as keys');
