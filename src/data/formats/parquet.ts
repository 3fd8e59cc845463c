/**
 * Reading Parquet files whose types of a column differ, as parts written on different days do. They are brought to a type that
 * keeps every value apart: DuckDB's own choice makes 9007199254740993 of one part and 0.5 of another floating-point numbers.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import { query, queryOne } from '../sql/duckdb.ts';
import { filePath, identifier, sameName } from '../sql/text.ts';
import { textOf } from '../sql/tokens.ts';
import type { Column, Reading } from './columns.ts';
import { commonOf, DECIMAL, FLOATING, INTEGER } from './common-type.ts';
import { readingFiles } from './format.ts';

export interface ParquetTable {
  /** SQL that reads the files, in their order. */
  read: string;
  /** Columns of the files, without those that `option` adds. */
  columns: Column[];
}

/** Files of equal schemas that follow one another. */
interface Run {
  files: string[];
  columns: Column[];
}

/** Settles how Parquet files are read. `option`: more options of DuckDB's reader. Throws DATA_TYPES_DIFFER, DATA_FILE_DAMAGED. */
export async function planParquet(
  connection: DuckDBConnection,
  source: string,
  files: string[],
  option: string,
  { isUnneeded = () => false }: Reading,
): Promise<ParquetTable> {
  const doing = readingFiles(source, files);
  const runs = await findRuns(connection, doing, files);
  const all = `SELECT * FROM read_parquet([${files.map(filePath).join(', ')}], union_by_name = true, hive_partitioning = false${option})`;
  if (runs.length === 1) return { read: all, columns: runs[0].columns };
  const columns: Column[] = [];
  let isUnited = true;
  for (const name of namesOf(runs)) {
    const types = typesOf(runs, name);
    if (types.length > 1 && !isUnneeded(name)) isUnited = false;
    const type =
      types.length === 1 || isUnneeded(name) ? types[0] : await commonType(connection, source, runs, name, option);
    columns.push({ name, type });
  }
  if (isUnited) return { read: all, columns };
  const scans = runs.map(
    (run) =>
      `SELECT ${columns.map((column) => converted(run, column)).join(', ')}${option === '' ? '' : ', __file'} FROM ${scan(run, option)}`,
  );
  return { read: scans.join(' UNION ALL '), columns };
}

const scan = ({ files }: Run, option: string): string =>
  `read_parquet([${files.map(filePath).join(', ')}], union_by_name = true, hive_partitioning = false${option})`;

async function findRuns(connection: DuckDBConnection, doing: string, files: string[]): Promise<Run[]> {
  const schemas = await query(
    connection,
    `SELECT file_name AS file, md5(string_agg(concat_ws(' ', name, duckdb_type, logical_type, num_children), ',' ORDER BY column_id)) AS schema
     FROM parquet_schema([${files.map(filePath).join(', ')}]) GROUP BY file_name`,
    doing,
  );
  const schemaOf = new Map(schemas.map(({ file, schema }) => [String(file), String(schema)]));
  const described = new Map<string, Column[]>();
  const runs: (Run & { schema: string })[] = [];
  for (const file of files) {
    const schema = schemaOf.get(file) ?? '';
    const last = runs.at(-1);
    if (last?.schema === schema) {
      last.files.push(file);
      continue;
    }
    const columns = described.get(schema) ?? (await describeFile(connection, doing, file));
    described.set(schema, columns);
    runs.push({ files: [file], columns, schema });
  }
  return runs;
}

async function describeFile(connection: DuckDBConnection, doing: string, file: string): Promise<Column[]> {
  const rows = await query(
    connection,
    `DESCRIBE SELECT * FROM read_parquet(${filePath(file)}, hive_partitioning = false)`,
    doing,
  );
  return rows.map((row) => ({ name: String(row.column_name), type: String(row.column_type) }));
}

const columnOf = (run: Run, name: string): Column | undefined => run.columns.find((c) => sameName(c.name, name));

/** Names of all columns, each once, as the first file that has it spells it. */
function namesOf(runs: Run[]): string[] {
  const names: string[] = [];
  for (const { name } of runs.flatMap(({ columns }) => columns))
    if (!names.some((other) => sameName(other, name))) names.push(name);
  return names;
}

/** The types that a column has; a column of nothing has none of its own. */
function typesOf(runs: Run[], name: string): string[] {
  const types = [...new Set(runs.flatMap((run) => columnOf(run, name)?.type ?? []))];
  const some = types.filter((type) => type !== '"NULL"');
  return some.length === 0 ? types : some;
}

/** A column of a run in the common type. */
function converted(run: Run, { name, type }: Column): string {
  const own = columnOf(run, name);
  const column = identifier(name);
  if (own === undefined || own.type === '"NULL"') return `CAST(NULL AS ${type}) AS ${column}`;
  if (own.type === type) return column;
  const value = identifier(own.name);
  if (type === 'VARCHAR') return `${textOf(value, own.type)} AS ${column}`;
  if (type === 'VARCHAR[]')
    return `list_transform(${value}, lambda item: ${textOf('item', own.type.slice(0, -2))}) AS ${column}`;
  // NaN stands for a missing integer.
  if (FLOATING.test(own.type) && INTEGER.test(type))
    return `CASE WHEN isfinite(${value}) THEN ${value}::${type} END AS ${column}`;
  return `CAST(${value} AS ${type}) AS ${column}`;
}

/** The type of a column that keeps the values of all parts apart. Throws DATA_TYPES_DIFFER where there is none. */
async function commonType(
  connection: DuckDBConnection,
  source: string,
  runs: Run[],
  name: string,
  option: string,
): Promise<string> {
  const types = typesOf(runs, name);
  const simple = commonOf(types);
  if (simple !== undefined) return simple;
  const isNumber = (type: string): boolean => INTEGER.test(type) || FLOATING.test(type) || DECIMAL.test(type);
  if (types.every(isNumber)) {
    const integer = commonOf(types.filter((type) => INTEGER.test(type)));
    // Integers and others: exact as integers where all of them are whole, as numbers where none is too large.
    if (integer !== undefined && (await holds(connection, runs, name, option, (type) => !INTEGER.test(type), IS_WHOLE)))
      return integer;
    if (await holds(connection, runs, name, option, (type) => INTEGER.test(type), IS_EXACT)) return 'DOUBLE';
  }
  throw error('DATA_TYPES_DIFFER', {
    source,
    column: name,
    types: types.map((type) => ({
      type,
      file: runs.find((run) => columnOf(run, name)?.type === type)?.files[0] ?? '',
    })),
  });
}

const LARGEST = 2 ** 53;

const IS_WHOLE = (column: string): string =>
  `(NOT isfinite(${column}::DOUBLE) OR (${column} = floor(${column}) AND abs(${column}) <= ${LARGEST}))`;

const IS_EXACT = (column: string): string => `${column} BETWEEN ${-LARGEST} AND ${LARGEST}`;

/** Is a condition true for all values of a column in the files where it has certain types? */
async function holds(
  connection: DuckDBConnection,
  runs: Run[],
  name: string,
  option: string,
  ofType: (type: string) => boolean,
  condition: (column: string) => string,
): Promise<boolean> {
  for (const run of runs) {
    const column = columnOf(run, name);
    if (column === undefined || !ofType(column.type) || column.type === '"NULL"') continue;
    const { all } = await queryOne(
      connection,
      `SELECT coalesce(bool_and(${condition(identifier(column.name))}), true) AS all FROM ${scan(run, option)}`,
      `comparing the types of "${name}"`,
    );
    if (all !== true) return false;
  }
  return true;
}
