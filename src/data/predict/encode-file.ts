/**
 * A raw file -> batches to score. The same expressions, SQL and vocabularies as in preparation, and the types of columns from
 * there; labels, weights and splits play no part, and no row is dropped.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { asWriteError } from '../../base/files.ts';
import { checkExpressions } from '../expressions/check.ts';
import { checkFit } from '../expressions/fit.ts';
import { scoredRate } from '../prepare/rates.ts';
import { encodedFields } from '../prepare/row-values.ts';
import { type EncodedSequences, encodeGiven } from '../prepare/sequences.ts';
import { applyVocabulary, encodedColumns, hashSize, registerFieldBuckets } from '../prepare/vocabulary.ts';
import { rateFile, verifiedFile, vocabularyFile } from '../prepared/manifest.ts';
import type { PreparedData, SplitReader } from '../prepared/prepared.ts';
import { openRowFile } from '../prepared/reader.ts';
import { idColumns, recordLayout, sequenceColumns } from '../prepared/record.ts';
import { writeRecords } from '../prepared/write-records.ts';
import type { Source } from '../sources/source.ts';
import { openDuckDB, queryOne } from '../sql/duckdb.ts';
import { duckdbError } from '../sql/errors.ts';
import { registerNumberText } from '../sql/functions.ts';
import { filePath } from '../sql/text.ts';
import { openInput } from './input.ts';
import { findInput, type InputFiles } from './input-files.ts';
import { createInputRows } from './input-rows.ts';

/** A raw file, encoded: its rows that have a scenario, in order; labels are NaN unless they were asked for. */
export interface EncodedFile {
  reader: SplitReader;
  /** The file as a source: columns, types, rows. */
  input: Source;
  /** Rows of which `where` is not true, and its conditions that were not asked. */
  excluded: number;
  ignored: string[];
  /** The database that holds the table `rows` (row, f0 ..., scenario) and the input as a view named like the base source. */
  connection: DuckDBConnection;
  close(): Promise<void>;
}

/** Encodes a raw file into a work folder, which the caller removes after closing. */
export async function encodeFile(options: {
  data: PreparedData;
  /** A file, or several that are read one after another. */
  input: string | string[];
  /** Its files, where they have been found. */
  files?: InputFiles;
  /** Read labels and groups, too. Default false. */
  labelled?: boolean;
  memoryLimit?: string;
  work: string;
}): Promise<EncodedFile> {
  const { labelled = false, files = await findInput(options.data, options.input) } = options;
  const { manifest, folder } = options.data;
  rmSync(options.work, { recursive: true, force: true });
  mkdirSync(options.work, { recursive: true });
  const { connection, close } = await openDuckDB({
    access: { files: files.all },
    memoryLimit: options.memoryLimit,
    tempFolder: options.work,
    file: join(options.work, 'rows.duckdb'),
  });
  try {
    await registerNumberText(connection);
    const { config, sources, expressions, ignored } = await openInput(connection, manifest, files, labelled);
    await checkFit(connection, config, sources, expressions);
    const values = await checkExpressions(connection, config, sources, expressions);
    await createInputRows(connection, config, sources, values, expressions, labelled);
    const fields = encodedFields(config, values);
    for (const f of fields) {
      const { edges } = manifest.fields[f.index];
      if (f.field.kind === 'numeric')
        await registerFieldBuckets(connection, f, edges === undefined ? 'logSquare' : { edges });
      if (hashSize(f.field) === undefined)
        await applyVocabulary(connection, f, await verifiedFile(folder, manifest, vocabularyFile(f.field.name)));
    }
    const layout = recordLayout({ ...manifest, hasWeight: false, hasGroup: labelled && manifest.hasGroup });
    const grouped = layout.group >= 0;
    const { ids: valueIds, joins: valueJoins } = encodedColumns(fields);
    const ids = new Map(fields.map(({ field }, i) => [field.name, valueIds[i]]));
    let joins = valueJoins;
    for (const field of manifest.fields) {
      if (field.rates === undefined) continue;
      const file = await verifiedFile(folder, manifest, rateFile(field.name));
      const rate = scoredRate(manifest.fields, field, ids, file);
      ids.set(field.name, rate.id);
      joins += rate.join;
    }
    const given = await encodeSequences(connection, options.data);
    const columns = [
      ...idColumns(manifest, (name) => ids.get(name) as string),
      'scenario',
      ...manifest.tasks.map((_, t) => (labelled ? `coalesce(l${t}::FLOAT, 'NaN'::FLOAT)` : "'NaN'::FLOAT")),
      ...(grouped ? ['coalesce(grouped.number, -1)'] : []),
      ...sequenceColumns(manifest, (_type, k) => given.ids[k]),
    ];
    const path = join(options.work, 'rows.bin');
    const sql = `SELECT ${columns.join(', ')} FROM rows${joins}${grouped ? GROUP_NUMBERS : ''}${given.join} WHERE scenario IS NOT NULL ORDER BY row`;
    await writeRecords(connection, sql, layout, path, '').catch((cause) => {
      throw duckdbError(asWriteError(cause, dirname(options.work)), `encoding ${options.input}`);
    });
    const count = 'SELECT count(scenario) AS scored, count(*) FILTER (excluded) AS excluded FROM rows';
    const { scored, excluded } = await queryOne(connection, count, 'counting the rows');
    const reader = await openRowFile(path, Number(scored), layout);
    return {
      reader,
      input: sources[0],
      excluded: Number(excluded),
      ignored,
      connection,
      async close() {
        await reader.close();
        close();
      },
    };
  } catch (cause) {
    close();
    throw cause;
  }
}

/** Numbers the groups of the rows table. */
const GROUP_NUMBERS =
  ' LEFT JOIN (SELECT group_key AS key, (row_number() OVER (ORDER BY min(row)) - 1)::INTEGER AS number ' +
  'FROM rows WHERE group_key IS NOT NULL GROUP BY group_key) AS grouped ON group_key = grouped.key';

/** Encodes the sequences that the rows bring. */
async function encodeSequences(
  connection: DuckDBConnection,
  { manifest, folder }: PreparedData,
): Promise<EncodedSequences> {
  const { sequences, config } = manifest;
  const field = config.fields.find(({ name }) => name === sequences?.itemField);
  if (sequences === undefined || field === undefined) return { ids: [], join: '' };
  const hash = hashSize(field);
  if (hash !== undefined) return encodeGiven(connection, sequences, { hash });
  const file = await verifiedFile(folder, manifest, vocabularyFile(field.name));
  return encodeGiven(connection, sequences, { vocabulary: `read_parquet(${filePath(file)})` });
}
