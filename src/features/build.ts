/** Builds the tables of models: reads them, computes the fields, writes a file for each. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../base/errors/index.ts';
import type { ValueField } from '../config/dataset.ts';
import type { BuildReply, BuildRequest, BuiltTable, FeatureModel, ReadFile, TableSet } from './contract.ts';
import { evaluateTable } from './evaluate.ts';
import { bytesOf, writeTable } from './file.ts';
import { asRead, findTableFiles, type OpenTable, ofTable, openTable } from './open.ts';
import { type Given, planFields } from './plan.ts';
import { rowsOf, valuesOf } from './table.ts';

/**
 * Builds the tables of models; undefined where all of them would be read from the files that they were read from before.
 *
 * @throws FEATURES_SOURCE, FEATURES_TABLE, FEATURES_COLUMN, FEATURES_DUPLICATE, FEATURES_FIELD, FEATURES_FIELD_TWICE,
 *   FEATURES_FIELD_UNKNOWN, FEATURES_NOTHING, FEATURES_TOO_LARGE, FEATURES_CHANGED; then no file of them is left
 */
export async function buildTables({ models, folder, maxBytes }: BuildRequest): Promise<BuildReply | undefined> {
  const files = new Map<string, string[] | undefined>();
  for (const { tables } of models)
    for (const [name, table] of Object.entries(tables))
      if (!files.has(name)) files.set(name, await findTableFiles(name, table));
  const read = new Map([...files].map(([name, paths]): [string, ReadFile[]] => [name, asRead(paths ?? [])]));
  const readBy = ({ tables }: FeatureModel): ReadFile[] => Object.keys(tables).flatMap((name) => read.get(name) ?? []);
  // What a query gives can always be something else.
  const isUnchanged = (model: FeatureModel): boolean =>
    JSON.stringify(model.before) === JSON.stringify(readBy(model)) &&
    Object.keys(model.tables).every((name) => files.get(name) !== undefined);
  if (models.every(isUnchanged)) return undefined;
  const made: string[] = [];
  try {
    const sets: TableSet[] = [];
    for (const model of models)
      sets.push({
        built: Date.now(),
        read: readBy(model),
        tables: await buildModel(model, files, { folder, maxBytes, made }),
      });
    for (const [name, before] of read) checkUnchanged(name, before);
    return { sets };
  } catch (cause) {
    for (const path of made) rmSync(path, { force: true });
    throw cause;
  }
}

interface Place {
  folder: string;
  maxBytes: number;
  /** Files that were written. */
  made: string[];
}

async function buildModel(
  model: FeatureModel,
  files: ReadonlyMap<string, string[] | undefined>,
  place: Place,
): Promise<BuiltTable[]> {
  const opened: OpenTable[] = [];
  const work = join(place.folder, `work-${randomUUID()}`);
  mkdirSync(work, { recursive: true });
  try {
    for (const name of Object.keys(model.tables))
      opened.push(await openTable(name, files.get(name), model, join(work, name)));
    const [first] = opened;
    if (first === undefined) return [];
    const plan = await planFields(first.database.connection, model, opened);
    const built: BuiltTable[] = [];
    for (const given of plan) built.push(await buildTable(given, model, place));
    return built;
  } finally {
    for (const { database } of opened) database.close();
    rmSync(work, { recursive: true, force: true });
  }
}

async function buildTable({ table, fields, idFields }: Given, model: FeatureModel, place: Place): Promise<BuiltTable> {
  const { name, config } = table;
  const own = model.fields.filter((field) => fields.includes(field.config.name));
  const configs: ValueField[] = own.map((field) => field.config);
  const { columns, withoutId } = await ofTable(name, () => evaluateTable(table, configs));
  const encoded = columns.fields.reduce((sum, field, i) => sum + (valuesOf(field) + 1) * own[i].slots * 4, 0);
  const bytes = bytesOf(columns) + encoded;
  const rows = rowsOf(columns);
  if (bytes > place.maxBytes) throw error('FEATURES_TOO_LARGE', { table: name, bytes, rows, limit: place.maxBytes });
  const file = join(place.folder, `${name}-${randomUUID()}.table`);
  place.made.push(file);
  await writeTable(file, columns);
  const [sentAs] = Object.keys(config.on);
  return { name, of: config.of, sentAs, file, rows, bytes, withoutId, fields: configs.map((f) => f.name), idFields };
}

/** Throws FEATURES_CHANGED where a file is not the one that was read. */
function checkUnchanged(table: string, before: readonly ReadFile[]): void {
  for (const file of before) {
    let now: ReadFile | undefined;
    try {
      [now] = asRead([file.path]);
    } catch {
      // It is gone.
    }
    if (JSON.stringify(now) !== JSON.stringify(file)) throw error('FEATURES_CHANGED', { table, path: file.path });
  }
}
