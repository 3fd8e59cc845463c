/** Small tables and the models that read them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DatasetInput, datasetSchema, valueFields } from '../../src/config/dataset.ts';
import { type FeaturesConfig, featuresSchema } from '../../src/config/features.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import type { Manifest } from '../../src/data/prepared/prepared.ts';
import { openDuckDB } from '../../src/data/sql/duckdb.ts';
import { buildTables } from '../../src/features/build.ts';
import type { BuildReply, FeatureModel, ReadFile } from '../../src/features/contract.ts';
import { readTable } from '../../src/features/file.ts';
import { type FeatureTable, valueAt } from '../../src/features/table.ts';

/** What an artifact of a prepared data set says of it, and the tables of a configuration. */
function modelOf(manifest: Manifest, { tables, sent }: FeaturesConfig): FeatureModel {
  const { config, columns, fields } = manifest;
  return {
    label: 'the model',
    preparation: {
      from: config.from ?? Object.keys(config.sources)[0],
      sources: Object.fromEntries(
        Object.entries(config.sources).map(([name, { nullValues, derive }]) => [
          name,
          { columns: columns[name], nullValues, ...(derive && { derive }) },
        ]),
      ),
      joins: config.joins.map(({ source, on }) => ({ source, on })),
    },
    fields: valueFields(config.fields).map(({ field, index }) => ({ config: field, slots: fields[index].slots })),
    tables,
    sent,
  };
}

/** A folder with files, for several tests. */
export function makeFolder(files: Record<string, string>): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'tributary-features-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export async function prepared(folder: string, input: DatasetInput): Promise<Manifest> {
  const out = join(folder, 'prepared');
  return (await prepare({ config: datasetSchema.parse(input), sourceFolder: folder, out })).manifest;
}

type FeaturesInput = Parameters<typeof featuresSchema.parse>[0];

export async function built(
  folder: string,
  manifest: Manifest,
  features: FeaturesInput,
  before?: ReadFile[],
): Promise<BuildReply | undefined> {
  const out = join(folder, 'tables');
  mkdirSync(out, { recursive: true });
  const config = featuresSchema.parse(features);
  return buildTables({ models: [{ ...modelOf(manifest, config), before }], folder: out, maxBytes: config.maxBytes });
}

/** The tables by name, read from their files. */
export async function tablesOf(reply: BuildReply | undefined): Promise<Record<string, FeatureTable>> {
  const tables = reply?.sets[0].tables ?? [];
  const read = await Promise.all(tables.map(async ({ name, file }) => [name, await readTable(file)] as const));
  return Object.fromEntries(read);
}

/** The values of an id by field; undefined where the table has no such id. */
export function rowOf(table: FeatureTable, id: string | number): Record<string, unknown> | undefined {
  const row = table.find(id);
  if (row < 0) return undefined;
  return Object.fromEntries(table.fields.map((field) => [field.name, valueAt(field, field.places[row])]));
}

/** Writes a Parquet file of a query. */
export async function parquet(path: string, sql: string): Promise<void> {
  const { connection, close } = await openDuckDB({ access: { folders: [join(path, '..')] } });
  await connection.run(`COPY (${sql}) TO '${path}' (FORMAT parquet)`);
  close();
}
