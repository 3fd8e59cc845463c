/**
 * Reading CSV without surprises: the dialect is settled before reading, and a column is a number only if every value of
 * every file is one *and* the text can be had back from the number. A zip code with a leading zero stays a text. Of numbers
 * with decimals and of truth values the text is kept, too, for fields that are the column itself.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { query, queryOne } from '../sql/duckdb.ts';
import { filePath, identifier, literal } from '../sql/text.ts';
import { bindText, type Part, typedText } from './bind.ts';
import type { Column, Reading } from './columns.ts';
import { type Dialect, findDialects } from './csv-dialect.ts';
import { FILE, readingFiles } from './format.ts';

type CsvConfig = DatasetConfig['sources'][string];

/** A CSV source ready to be read. */
export interface CsvTable {
  /** SQL that reads the files as texts, and what makes the source's columns of them. */
  read: string;
  parts: Part[];
  /** Rows, where they were counted. */
  rows?: number;
  /** The columns of the files with their types, and SQL that gives all texts, those that mean "no value", too. */
  asItWas: { columns: Column[]; sql: string; texts: string };
}

/**
 * Settles dialect and types of a CSV source (one pass over its files). `option`: more options of DuckDB's reader. Throws
 * DATA_CSV_*, DATA_ENCODING*.
 */
export async function planCsv(
  connection: DuckDBConnection,
  source: string,
  config: CsvConfig,
  files: string[],
  option: string,
  reading: Reading,
): Promise<CsvTable> {
  const dialects = await findDialects(connection, source, config, files, reading.expected);
  const { names } = dialects[0];
  const read = readCsv(config, files, dialects, option);
  await checkRecords(connection, config, files, dialects);
  const isFree = (name: string): boolean => reading.bound?.(name) === undefined && !reading.isUnneeded?.(name);
  const free = names.filter(isFree);
  const doing = readingFiles(source, files);
  const { types, rows } = free.length === 0 ? NOTHING : await inferTypes(connection, doing, free, read);
  const parts = names.map((name) => {
    const known = reading.bound?.(name);
    const text = identifier(name);
    return known === undefined ? typedText(name, text, types.get(name) ?? 'VARCHAR') : bindText(name, text, known);
  });
  const texts = readCsv({ ...config, nullValues: [] }, files, dialects, option);
  return { read, parts, rows, asItWas: { columns: parts.map(({ column }) => column), sql: read, texts } };
}

const NOTHING: { types: Map<string, string>; rows?: number } = { types: new Map() };

/** SQL that reads the files as text columns, in the order given and with the columns of the first. */
function readCsv(config: CsvConfig, files: string[], dialects: Dialect[], option: string): string {
  const { names } = dialects[0];
  // The empty text is missing whatever else is (missing.ts).
  const nulls = [...new Set(['', ...config.nullValues])].map(literal).join(', ');
  const read = (paths: string[], d: Dialect): string => {
    const columns = d.names.map((name) => `${literal(asIn(names, name))}: 'VARCHAR'`).join(', ');
    const inOrder = String(d.names.map(lower)) === String(names.map(lower));
    const select = inOrder ? '*' : [...names.map(identifier), ...(option === '' ? [] : [FILE])].join(', ');
    return (
      `SELECT ${select} FROM read_csv([${paths.map(filePath).join(', ')}], auto_detect = false, delim = ${literal(d.delimiter)}, ` +
      `quote = ${literal(d.quote)}, escape = ${literal(d.escape)}, header = ${d.header}, encoding = '${d.encoding}', ` +
      `${d.strict ? '' : 'strict_mode = false, '}hive_partitioning = false, nullstr = [${nulls}], columns = {${columns}}${option})`
    );
  };
  // Files of one dialect are read by one scan; runs of files with different dialects are put one after another.
  const scans: { paths: string[]; dialect: Dialect }[] = [];
  files.forEach((path, i) => {
    const last = scans.at(-1);
    if (last !== undefined && isSame(last.dialect, dialects[i])) last.paths.push(path);
    else scans.push({ paths: [path], dialect: dialects[i] });
  });
  return scans.map((scan) => read(scan.paths, scan.dialect)).join(' UNION ALL ');
}

const lower = (name: string): string => name.toLowerCase();

/** A name as the first file spells it. */
const asIn = (names: string[], name: string): string => names.find((other) => lower(other) === lower(name)) ?? name;

const isSame = (a: Dialect, b: Dialect): boolean =>
  JSON.stringify({ ...a, records: 0 }) === JSON.stringify({ ...b, records: 0 });

/** Files that DuckDB reads without strictness must give all their records. Throws DATA_CSV_INVALID. */
async function checkRecords(
  connection: DuckDBConnection,
  config: CsvConfig,
  files: string[],
  dialects: Dialect[],
): Promise<void> {
  for (const [i, path] of files.entries()) {
    const { records, names } = dialects[i];
    // An empty line is a row of a file with one column.
    if (records === undefined || names.length === 1) continue;
    const count = `SELECT count(*) AS rows FROM (${readCsv(config, [path], [dialects[i]], '')})`;
    const { rows } = await queryOne(connection, count, `reading ${path}`);
    if (Number(rows) === records) continue;
    const reason = `its lines end in two ways, with and without a carriage return, and ${rows} of ${records} rows could be read`;
    throw error('DATA_CSV_INVALID', { path, reason });
  }
}

/** How a type is recognised; the text must be what the number prints as, or nearly so for decimals. */
const RECOGNISE: { type: string; matches: (column: string) => string }[] = [
  { type: 'BIGINT', matches: (c) => `TRY_CAST(${c} AS BIGINT)::VARCHAR = ${c}` },
  // No leading zeros, no more digits before the point than a double holds.
  {
    type: 'DOUBLE',
    matches: (c) => `regexp_full_match(${c}, '-?(0|[1-9][0-9]{0,14})(\\.[0-9]+)?([eE][+-]?[0-9]{1,3})?')`,
  },
  { type: 'BOOLEAN', matches: (c) => `lower(${c}) IN ('true', 'false')` },
];
const SAMPLE_ROWS = 10_000;
const CHECKS_AT_A_TIME = 128;

/** The narrowest type of every column that fits all its values, and the number of rows. */
async function inferTypes(
  connection: DuckDBConnection,
  doing: string,
  names: string[],
  text: string,
): Promise<{ types: Map<string, string>; rows: number }> {
  const all = names.flatMap((_, column) => RECOGNISE.map((_, kind) => ({ column, kind })));
  // A sample rules most out. Of what it leaves, all rows are asked about a column's narrowest type, about another only if
  // some row fails.
  let [open] = await matching(connection, names, `${text} LIMIT ${SAMPLE_ROWS}`, all, doing, 0);
  const certain = new Map<number, string>();
  let rows: number;
  do {
    const asked = open.filter(({ column, kind }) => !open.some((c) => c.column === column && c.kind < kind));
    const [fitting, counted] = await matching(connection, names, text, asked, doing);
    for (const { column, kind } of fitting) certain.set(column, RECOGNISE[kind].type);
    open = open.filter((c) => !asked.includes(c) && !certain.has(c.column));
    rows = counted;
  } while (open.length > 0);
  return { types: new Map([...certain].map(([column, type]) => [names[column], type])), rows };
}

type Candidate = { column: number; kind: number };

async function matching(
  connection: DuckDBConnection,
  names: string[],
  text: string,
  candidates: Candidate[],
  doing: string,
  /** A column with fewer values than these is of no type. */
  least = 1,
): Promise<[Candidate[], number]> {
  const checks = candidates.map(({ column, kind }, i) => {
    const name = identifier(names[column]);
    return `bool_and(${name} IS NULL OR coalesce(${RECOGNISE[kind].matches(name)}, false)) AND count(${name}) >= ${least} AS c${i}`;
  });
  // Memory and time of a query grow faster than its number of checks.
  const found = new Set<number>();
  let rows = 0;
  for (let from = 0; from < Math.max(1, checks.length); from += CHECKS_AT_A_TIME) {
    const some = checks.slice(from, from + CHECKS_AT_A_TIME);
    const [row] = await query(
      connection,
      `SELECT count(*) AS rows, ${[...some, '1'].join(', ')} FROM (${text})`,
      doing,
    );
    some.forEach((_, i) => void (row[`c${from + i}`] === true && found.add(from + i)));
    rows = Number(row.rows);
  }
  return [candidates.filter((_, i) => found.has(i)), rows];
}
