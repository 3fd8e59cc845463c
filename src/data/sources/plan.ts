/** How the files of a source are read: their format, its reader, and the columns that are made of what it reads. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import { bindValue, type Part, typedText } from '../formats/bind.ts';
import type { Column, Reading } from '../formats/columns.ts';
import { planCsv } from '../formats/csv.ts';
import { FILE, type Format, formatOf } from '../formats/format.ts';
import { planJson } from '../formats/json.ts';
import { type ParquetTable, planParquet } from '../formats/parquet.ts';
import { identifier } from '../sql/text.ts';
import { partitionColumns } from './partitions.ts';
import type { SourceConfig } from './source.ts';

/** How a source is read. */
export interface Plan {
  read: string;
  parts: Part[];
  rows?: number;
  /** The columns of the files and SQL that reads them; of a CSV as texts. */
  asItWas: { columns: Column[]; sql: string; texts?: string };
  partitions: Part[];
}

/** The format of files whose source does not say it. Throws DATA_FORMATS_DIFFER. */
export function commonFormat(source: string, files: string[]): Format {
  const format = formatOf(files[0]);
  const other = files.find((path) => formatOf(path) !== format);
  if (other !== undefined)
    throw error('DATA_FORMATS_DIFFER', { source, files: [files[0], other], formats: [format, formatOf(other)] });
  return format;
}

/** How the files of a source are read, and what columns are made of them. */
export async function planSource(
  connection: DuckDBConnection,
  name: string,
  format: Format,
  config: SourceConfig,
  files: string[],
  reading: Reading,
): Promise<Plan> {
  const isPartitioned = files.some((path) => /[/\\][^/\\=]+=[^/\\]*[/\\]/.test(path));
  const option = isPartitioned || config.fileColumn !== undefined ? `, filename = '${FILE}'` : '';
  const table =
    format === 'csv'
      ? await planCsv(connection, name, config, files, option, reading)
      : format === 'json'
        ? await planJson(connection, name, files, option, reading)
        : bindColumns(await planParquet(connection, name, files, option, reading), reading);
  const own = table.parts.map(({ column }) => column.name);
  const fileColumn = config.fileColumn === undefined ? [] : [typedText(config.fileColumn, FILE, 'VARCHAR')];
  const partitions = partitionColumns(files, own, reading);
  return { ...table, parts: [...table.parts, ...fileColumn, ...partitions], partitions };
}

function bindColumns({ read, columns }: ParquetTable, { bound }: Reading): Pick<Plan, 'read' | 'parts' | 'asItWas'> {
  const parts = columns.map((column) => {
    const known = bound?.(column.name);
    const sql = identifier(column.name);
    return known === undefined ? { column, select: [sql] } : bindValue(column.name, sql, column.type, known);
  });
  return { read, parts, asItWas: { columns, sql: read } };
}

export const selectParts = (read: string, parts: Part[]): string =>
  `SELECT ${parts.flatMap(({ select }) => select).join(', ')} FROM (${read})`;
