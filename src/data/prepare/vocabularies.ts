/** The vocabularies of all fields, new or continued from an earlier data set. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import { type DatasetConfig, rateFields } from '../../config/dataset.ts';
import { type PreparedField, RESERVED_IDS } from '../encode/ids.ts';
import type { Values } from '../expressions/check.ts';
import { neededColumns } from '../expressions/columns.ts';
import { sightingsFile, verifiedFile, vocabularyFile } from '../prepared/manifest.ts';
import type { Manifest, SourceColumn } from '../prepared/prepared.ts';
import { sameName } from '../sql/text.ts';
import { hasLedger } from './lifecycle.ts';
import { copyTo } from './parts.ts';
import { createRates } from './rates.ts';
import { type EncodedField, encodedFields } from './row-values.ts';
import { createVocabulary, findBuckets, hashSize, registerFieldBuckets } from './vocabulary.ts';

/** A data set whose vocabularies this one continues. */
export interface Earlier {
  folder: string;
  manifest: Manifest;
}

/** The types of columns that an earlier preparation found, as far as it needed them. */
export async function typesOf(
  connection: DuckDBConnection,
  earlier: Manifest | undefined,
): Promise<(source: string, column: string) => SourceColumn | undefined> {
  if (earlier === undefined) return () => undefined;
  const needed = (await neededColumns(connection, earlier.config)) ?? (() => true);
  return (source, column) =>
    needed(column) ? earlier.columns[source]?.find(({ name }) => sameName(name, column)) : undefined;
}

/** Paths of the vocabularies that go on. */
export const vocabularyFiles = (earlier: Earlier | undefined): string[] =>
  (earlier?.manifest.fields ?? []).flatMap(({ name }) =>
    [vocabularyFile(name), sightingsFile(name)].map((file) => join(earlier?.folder ?? '', file)),
  );

/** Makes every field's vocabulary and writes it; returns the fields with their places in the embedding table. */
export async function createVocabularies(
  connection: DuckDBConnection,
  config: DatasetConfig,
  values: Values,
  staging: string,
  earlier: Earlier | undefined,
): Promise<PreparedField[]> {
  mkdirSync(join(staging, 'vocabularies'));
  const encoded = encodedFields(config, values);
  const made = new Map<number, PreparedField>();
  for (const f of encoded) {
    const { field } = f;
    const before = earlier && earlierField(field, earlier);
    const edges = field.kind === 'numeric' ? await createBuckets(connection, config, f, before) : undefined;
    const hashed = hashSize(field);
    const size =
      hashed === undefined
        ? await writeVocabulary(connection, config, f, staging, before && earlier)
        : RESERVED_IDS + hashed;
    made.set(f.index, {
      name: field.name,
      kind: field.kind,
      offset: 0,
      size,
      slots: field.kind === 'multi' ? field.maxLength : 1,
      pooling: field.kind === 'multi' ? field.pooling : 'mean',
      ...(edges === undefined ? {} : { edges }),
    });
  }
  const fields = [...made.values()];
  for (const { field, index } of rateFields(config.fields)) {
    const edges = earlier && earlierField(field, earlier)?.edges;
    const rates = await createRates({ connection, config, encoded, fields, folder: staging, edges }, field, index);
    made.set(index, { name: field.name, kind: field.kind, offset: 0, slots: 1, pooling: 'mean', ...rates });
  }
  return placed(config.fields.map((_, index) => made.get(index) as PreparedField));
}

/** The fields one after another in the embedding table. */
function placed(fields: readonly PreparedField[]): PreparedField[] {
  let offset = 0;
  return fields.map((field) => {
    const own = { ...field, offset };
    offset += field.size;
    return own;
  });
}

/** Registers the buckets of a numeric field; returns their edges, undefined for those of `logSquare`. */
async function createBuckets(
  connection: DuckDBConnection,
  config: DatasetConfig,
  f: EncodedField,
  before: PreparedField | undefined,
): Promise<number[] | undefined> {
  const buckets =
    before?.edges === undefined ? await findBuckets(connection, f, config.vocabulary.from) : { edges: before.edges };
  await registerFieldBuckets(connection, f, buckets);
  return buckets === 'logSquare' ? undefined : buckets.edges;
}

/** Makes and writes the vocabulary of a field that does not hash, continuing the one of `earlier`; returns its size. */
async function writeVocabulary(
  connection: DuckDBConnection,
  config: DatasetConfig,
  f: EncodedField,
  staging: string,
  earlier: Earlier | undefined,
): Promise<number> {
  const file = vocabularyFile(f.field.name);
  const ledger = sightingsFile(f.field.name);
  const verified = (of: Earlier, path: string) => verifiedFile(of.folder, of.manifest, path);
  const hadLedger = earlier !== undefined && Object.hasOwn(earlier.manifest.files, ledger);
  const continued = earlier && {
    vocabulary: await verified(earlier, file),
    ...(hadLedger && { ledger: await verified(earlier, ledger) }),
  };
  const size = await createVocabulary(connection, config, f, continued);
  if (hasLedger(f, config))
    await copyTo(connection, `SELECT * FROM ledger${f.index} ORDER BY token`, join(staging, ledger));
  const ordered = `SELECT token, id, count FROM vocabulary${f.index} ORDER BY id`;
  await copyTo(connection, ordered, join(staging, file));
  return size;
}

/** The field of an earlier data set that this one continues; undefined where it is new. Throws DATA_VOCABULARY_MISMATCH. */
function earlierField(
  field: DatasetConfig['fields'][number],
  { folder, manifest }: Earlier,
): PreparedField | undefined {
  const before = manifest.config.fields.find((f) => f.name === field.name);
  if (before === undefined) return undefined;
  const shape = (f: typeof field): string =>
    f.kind === 'rate'
      ? `the rate of ${f.task} by ${f.of.join(' and ')}`
      : f.kind === 'numeric'
        ? `numeric with buckets ${JSON.stringify(f.buckets)}`
        : f.hash === undefined
          ? f.kind
          : `${f.kind}, hashed into ${f.hash}`;
  const earlier = manifest.fields.find((f) => f.name === field.name);
  // Rows joined from a log have the buckets that were found once, as edges.
  const areEdges =
    before.kind === 'numeric' &&
    field.kind === 'numeric' &&
    earlier?.edges !== undefined &&
    JSON.stringify(field.buckets) === JSON.stringify({ edges: earlier.edges });
  if (shape(before) !== shape(field) && !areEdges)
    throw error('DATA_VOCABULARY_MISMATCH', {
      field: field.name,
      folder,
      found: shape(before),
      expected: shape(field),
    });
  return earlier;
}
