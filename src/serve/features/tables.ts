/** The tables of a ranker: loaded and encoded for its model. */
import { createRowEncoder, type EncoderSource } from '../../data/encode/encoder.ts';
import type { BuiltTable, TableSet } from '../../features/contract.ts';
import { type EncodedColumn, encodeTable } from '../../features/encoded.ts';
import { readTable } from '../../features/file.ts';
import type { FeatureTable } from '../../features/table.ts';

/** A table and its ids for one model. */
export interface RankerTable {
  info: BuiltTable;
  data: FeatureTable;
  columns: EncodedColumn[];
  /** Ids of requests: found in it, missing from it, or not sent. */
  counts: { found: number; missing: number; none: number };
}

export interface RankerTables {
  set: TableSet;
  tables: RankerTable[];
  /** Fields that they give, by their columns or as the id itself. */
  fields: ReadonlySet<string>;
}

/** Reads the file of a table; one file is read once as long as somebody uses it. */
export type OpenFile = (file: string) => Promise<FeatureTable>;

/** Rankers of one process share what they read. */
export function createFileCache(): OpenFile {
  const read = new Map<string, WeakRef<FeatureTable>>();
  return async (file) => {
    const known = read.get(file)?.deref();
    if (known !== undefined) return known;
    const table = await readTable(file);
    for (const [path, reference] of read) if (reference.deref() === undefined) read.delete(path);
    read.set(file, new WeakRef(table));
    return table;
  };
}

/** Loads tables for a model. What was counted `before` goes on. */
export async function loadTables(
  set: TableSet,
  source: EncoderSource,
  open: OpenFile,
  before?: RankerTables,
): Promise<RankerTables> {
  const encoder = createRowEncoder(source);
  const tables: RankerTable[] = [];
  for (const info of set.tables) {
    const data = await open(info.file);
    const columns = await encodeTable(data, encoder);
    const counts = before?.tables.find((table) => table.info.name === info.name)?.counts;
    tables.push({ info, data, columns, counts: counts ?? { found: 0, missing: 0, none: 0 } });
  }
  return { set, tables, fields: new Set(set.tables.flatMap(({ fields, idFields }) => [...fields, ...idFields])) };
}
