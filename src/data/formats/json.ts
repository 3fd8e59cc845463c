/**
 * Reading JSON: lines, one list, or objects one after another. Columns are the keys that occur in any object; their types are
 * those of the values, found in all of them. Where values of a column differ in type each is its token.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error, TributaryError } from '../../base/errors/index.ts';
import { query } from '../sql/duckdb.ts';
import { filePath, literal, sameName } from '../sql/text.ts';
import type { Part } from './bind.ts';
import type { Column, Reading } from './columns.ts';
import { contentOf } from './encoding.ts';
import { firstContent } from './file-kind.ts';
import { readingFiles } from './format.ts';
import { planColumn } from './json-columns.ts';

type Layout = 'newline_delimited' | 'array' | 'unstructured' | 'auto';

export interface JsonTable {
  /** SQL that reads the files, and what makes the source's columns of what it reads. */
  read: string;
  parts: Part[];
  /** The columns with the types of their values, and SQL that gives them. */
  asItWas: { columns: Column[]; sql: string };
}

/** Settles how the files of a JSON source are read. `option`: more options of DuckDB's reader. Throws DATA_FILE_KIND. */
export async function planJson(
  connection: DuckDBConnection,
  source: string,
  files: string[],
  option: string,
  reading: Reading,
): Promise<JsonTable> {
  // Files of one layout that follow one another.
  const runs: { layout: Layout; paths: string[] }[] = [];
  for (const path of files) {
    const layout = await layoutOf(path);
    const last = runs.at(-1);
    if (last?.layout === layout) last.paths.push(path);
    else runs.push({ layout, paths: [path] });
  }
  const found: Column[] = [];
  for (const { layout, paths } of runs)
    for (const column of await findColumns(connection, source, layout, paths)) {
      const other = found.find(({ name }) => name === column.name);
      if (other === undefined) found.push(column);
      else if (other.type !== column.type) other.type = 'JSON';
    }
  const there = [...found];
  // A key that no object has is missing in all of them.
  if (reading.isSparse)
    for (const name of reading.expected ?? [])
      if (!found.some((c) => sameName(c.name, name))) found.push({ name, type: 'JSON' });
  const plans = found.map(({ name, type }) => planColumn(name, type, reading));
  const readAs = (types: string[]): string => {
    const columns = found.map(({ name }, i) => `${literal(name)}: ${literal(types[i])}`).join(', ');
    const scans = runs.map(
      ({ layout, paths }) =>
        `SELECT * FROM read_json([${paths.map(filePath).join(', ')}], format = '${layout}', hive_partitioning = false, columns = {${columns}}${option})`,
    );
    return scans.join(' UNION ALL ');
  };
  return {
    read: readAs(plans.map(({ raw }) => raw)),
    parts: plans.map(({ part }) => part),
    asItWas: { columns: there, sql: readAs(found.map(({ type }) => type)) },
  };
}

/** How the objects of a file stand in it. Throws DATA_FILE_KIND where there are none. */
async function layoutOf(path: string): Promise<Layout> {
  if (/\.zst$/i.test(path)) return 'auto';
  const bytes = await firstContent(path);
  const start = bytes.toString('utf8');
  const text = start.trimStart(); // of a byte order mark, too
  if (text.startsWith('[')) return 'array';
  if (!text.startsWith('{') && text !== '')
    throw error('DATA_FILE_KIND', {
      path,
      expected: 'JSON lines',
      found: `a file that begins with ${JSON.stringify(text.slice(0, 20))}`,
      advice: 'Write an object a line, or a list of objects, or set "format" of the source to csv',
    });
  if (start.startsWith('\ufeff')) return 'unstructured';
  const end = text.search(/[\r\n]/);
  return end < 0 || isObject(text.slice(0, end)) ? 'newline_delimited' : 'unstructured';
}

function isObject(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    return false;
  }
}

/** Times and the like stay texts: they are not turned into another spelling. */
const TIMES = /(^|[ (])(DATE|TIME|TIMESTAMP|TIMESTAMP WITH TIME ZONE|TIMESTAMP_NS|UUID)(?=[,)[]|$)/g;

async function findColumns(
  connection: DuckDBConnection,
  source: string,
  layout: Layout,
  paths: string[],
): Promise<Column[]> {
  const found = query(
    connection,
    // All objects of all files are looked at, and a key counts however rare it is.
    `DESCRIBE SELECT * FROM read_json([${paths.map(filePath).join(', ')}], format = '${layout}', hive_partitioning = false, sample_size = -1,
       maximum_sample_files = ${paths.length}, union_by_name = true, field_appearance_threshold = 0, map_inference_threshold = -1)`,
    readingFiles(source, paths),
  );
  const rows = await found.catch(async (cause) => {
    throw layout === 'newline_delimited' ? await brokenLine(paths, cause) : cause;
  });
  return rows.map((row) => ({
    name: String(row.column_name),
    type: String(row.column_type).replace(TIMES, '$1VARCHAR'),
  }));
}

/** The error of the first line that is no JSON, else `cause`: DuckDB counts lines from where its threads begin. */
async function brokenLine(paths: string[], cause: unknown): Promise<unknown> {
  if (!(cause instanceof TributaryError) || cause.code !== 'DATA_FILE_DAMAGED') return cause;
  for (const path of paths) {
    if (/\.zst$/i.test(path)) continue;
    let number = 0;
    for await (const line of linesOf(path)) {
      number++;
      if (line.trim() === '') continue;
      try {
        JSON.parse(line);
      } catch (broken) {
        const reason = `line ${number}: ${(broken as Error).message}`;
        return error('DATA_FILE_DAMAGED', { path, format: 'JSON lines', reason }, cause);
      }
    }
  }
  return cause;
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of contentOf(path)) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  yield rest;
}
