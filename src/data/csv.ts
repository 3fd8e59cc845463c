/**
 * Reading CSV without surprises: the dialect is settled before reading, and a column is a number only if every value of
 * every file is one *and* the text can be had back from the number. A zip code with a leading zero stays a text.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../base/errors/index.ts';
import type { DatasetConfig } from '../config/dataset.ts';
import { filePath, identifier, literal, query, queryOne } from './duckdb.ts';
import { detectEncoding, type Encoding } from './encoding.ts';

type CsvConfig = DatasetConfig['sources'][string];

export interface Column {
  name: string;
  /** DuckDB's name of the type: BIGINT, DOUBLE, BOOLEAN, VARCHAR, VARCHAR[] ... */
  type: string;
}

export interface Dialect {
  delimiter: string;
  quote: string;
  header: boolean;
  encoding: Encoding;
  names: string[];
}

/** A CSV source ready to be read: the SELECT that gives its typed columns. */
export interface CsvTable {
  sql: string;
  columns: Column[];
  rows: number;
}

/** Settles dialect and types of a CSV source (one pass over its files); columns for which `isText` is true are texts anyway. */
export async function planCsv(
  connection: DuckDBConnection,
  source: string,
  config: CsvConfig,
  files: string[],
  isText: (column: string) => boolean,
): Promise<CsvTable> {
  const dialects: Dialect[] = [];
  for (const file of files) dialects.push(await findDialect(connection, config, file, dialects[0]));
  files.forEach((path, i) => {
    if (String(dialects[i].names) !== String(dialects[0].names))
      throw error('DATA_CSV_COLUMNS', {
        path,
        found: dialects[i].names,
        expected: dialects[0].names,
        because: `as in ${files[0]}, the first file of source "${source}"`,
      });
  });
  const text = readCsv(config, files, dialects);
  const { types, rows } = await inferTypes(connection, source, dialects[0].names, text, isText);
  const columns = dialects[0].names.map((name, i) => ({ name, type: types[i] }));
  if (config.fileColumn !== undefined) columns.push({ name: config.fileColumn, type: 'VARCHAR' });
  return { sql: `SELECT ${columns.map(castColumn).join(', ')} FROM (${text})`, columns, rows };
}

const castColumn = ({ name, type }: Column): string =>
  type === 'VARCHAR' ? identifier(name) : `CAST(${identifier(name)} AS ${type}) AS ${identifier(name)}`;

/** Delimiter, quote, header and names of one file: what the configuration says, the rest by looking at the file. */
async function findDialect(
  connection: DuckDBConnection,
  config: CsvConfig,
  path: string,
  first: Dialect | undefined,
): Promise<Dialect> {
  const encoding = await detectEncoding(path, config.encoding);
  const { delimiter, quote, header: hasHeader, columns } = config;
  if (delimiter !== undefined && quote !== undefined && hasHeader !== undefined && columns !== undefined)
    return { delimiter, quote, header: hasHeader, encoding, names: columns };
  const given = [
    `encoding = '${encoding}'`,
    ...(config.delimiter === undefined ? [] : [`delim = ${literal(config.delimiter)}`]),
    ...(config.quote === undefined ? [] : [`quote = ${literal(config.quote)}`]),
    ...(config.header === undefined ? [] : [`header = ${config.header}`]),
    'ignore_errors = true', // a ragged line is reported by the reading itself, with its number
  ];
  const found = await queryOne(
    connection,
    `SELECT Delimiter AS delimiter, Quote AS quote, HasHeader AS header, list_transform(Columns, lambda c: c.name) AS names
     FROM sniff_csv(${filePath(path)}, ${given.join(', ')})`,
    `looking at ${path}`,
  );
  const unquoted = (text: unknown): string => (text === '(empty)' ? '' : String(text));
  const names = found.names as string[];
  const header =
    config.header ?? (config.columns !== undefined ? sameNames(config.columns, names) : Boolean(found.header));
  return {
    delimiter: config.delimiter ?? first?.delimiter ?? unquoted(found.delimiter),
    quote: config.quote ?? (unquoted(found.quote) || '"'),
    header,
    encoding,
    names: config.columns ?? (header || first === undefined ? names : first.names),
  };
}

const sameNames = (a: string[], b: string[]): boolean =>
  a.length === b.length && a.every((name, i) => name.toLowerCase() === b[i].toLowerCase());

/** Asks DuckDB's readers for the path of a row's file, if it is wanted. */
export const fileColumn = ({ fileColumn: name }: CsvConfig): string =>
  name === undefined ? '' : `, filename = ${literal(name)}`;

/** SQL that reads the files as text columns, in the order given. */
function readCsv(config: CsvConfig, files: string[], dialects: Dialect[]): string {
  const columns = dialects[0].names.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
  // The empty text is missing whatever else is (missing.ts).
  const nulls = [...new Set(['', ...config.nullValues])].map(literal).join(', ');
  const read = (paths: string[], d: Dialect): string =>
    `SELECT * FROM read_csv([${paths.map(filePath).join(', ')}], auto_detect = false, delim = ${literal(d.delimiter)}, ` +
    `quote = ${literal(d.quote)}, escape = ${literal(d.quote)}, header = ${d.header}, encoding = '${d.encoding}', ` +
    `nullstr = [${nulls}], columns = {${columns}}${fileColumn(config)})`;
  // Files of one dialect are read by one scan; runs of files with different dialects are put one after another.
  const scans: { paths: string[]; dialect: Dialect }[] = [];
  files.forEach((path, i) => {
    const last = scans.at(-1);
    if (last !== undefined && JSON.stringify(last.dialect) === JSON.stringify(dialects[i])) last.paths.push(path);
    else scans.push({ paths: [path], dialect: dialects[i] });
  });
  return scans.map((scan) => read(scan.paths, scan.dialect)).join(' UNION ALL ');
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
  source: string,
  names: string[],
  text: string,
  isText: (column: string) => boolean,
): Promise<{ types: string[]; rows: number }> {
  const doing = `reading source "${source}"`;
  const all = names.flatMap((name, column) => (isText(name) ? [] : RECOGNISE.map((_, kind) => ({ column, kind }))));
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
  return { types: names.map((_, column) => certain.get(column) ?? 'VARCHAR'), rows };
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
