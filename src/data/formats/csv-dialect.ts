/** How CSV files are written: delimiter, quotes, header, encoding; what the configuration says, the rest by looking at them. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { queryOne } from '../sql/duckdb.ts';
import { filePath, literal } from '../sql/text.ts';
import { firstRecord, walkRecords } from './csv-records.ts';
import { type Encoding, scanText, type TextScan } from './encoding.ts';
import { firstContent } from './file-kind.ts';

type CsvConfig = DatasetConfig['sources'][string];

export interface Dialect {
  delimiter: string;
  quote: string;
  escape: string;
  header: boolean;
  encoding: Encoding;
  /** False where lines end in two ways: DuckDB reads such files only if it takes them as they come. */
  strict: boolean;
  /** Columns in the order of this file. */
  names: string[];
  /** Records that reading must give, where that is not certain without strictness. */
  records?: number;
}

/**
 * The dialect of each file of a source. All have the same columns; their order may differ where a header names them. A column
 * of `expected` in the first line makes it a header. Throws DATA_CSV_COLUMNS, DATA_CSV_INVALID, DATA_ENCODING*.
 */
export async function findDialects(
  connection: DuckDBConnection,
  source: string,
  config: CsvConfig,
  files: string[],
  expected: string[] = [],
): Promise<Dialect[]> {
  const scans: TextScan[] = [];
  for (const path of files) scans.push(await scanText(path, config.encoding));
  const look = (i: number, delimiter?: string): Promise<Dialect> =>
    lookAt(connection, { ...config, delimiter: config.delimiter ?? delimiter }, files[i], scans[i], expected);
  const dialects: Dialect[] = [];
  for (const i of files.keys()) dialects.push(await look(i));
  // The file that shows most: a short one may look as if it had one column, or no header.
  const most = Math.max(...dialects.map(({ names }) => names.length));
  const widest = dialects.filter(({ names }) => names.length === most);
  const model = widest.find(({ header }) => header) ?? widest[0];
  for (const [i, path] of files.entries()) {
    if (!agree(dialects[i], model)) dialects[i] = await look(i, model.delimiter);
    dialects[i] = await likeModel(dialects[i], model, path);
    if (!agree(dialects[i], model))
      throw error('DATA_CSV_COLUMNS', {
        path,
        found: dialects[i].names,
        expected: model.names,
        because: `as in ${files[dialects.indexOf(model)] ?? files[0]}, a file of the same source "${source}"`,
      });
  }
  return dialects;
}

const lower = (names: string[]): string[] => names.map((name) => name.toLowerCase());

/** Equal columns, in any order where both files name them. */
function agree(a: Dialect, b: Dialect): boolean {
  if (String(lower(a.names)) === String(lower(b.names))) return true;
  return a.header && b.header && String(lower(a.names).sort()) === String(lower(b.names).sort());
}

/** A file without a header of its own has the columns of the others; one whose first line repeats their names has a header. */
async function likeModel(dialect: Dialect, model: Dialect, path: string): Promise<Dialect> {
  if (dialect === model || dialect.header || dialect.names.length !== model.names.length) return dialect;
  const names = { ...dialect, names: model.names };
  if (!model.header) return names;
  const first = firstRecord(await startOf(path, dialect.encoding), dialect);
  return { ...names, header: String(lower(first)) === String(lower(model.names)) };
}

/** Delimiter, quote, header and names of one file. */
async function lookAt(
  connection: DuckDBConnection,
  config: CsvConfig,
  path: string,
  scan: TextScan,
  expected: string[],
): Promise<Dialect> {
  const { delimiter, quote, header, columns } = config;
  const isGiven = delimiter !== undefined && quote !== undefined && header !== undefined && columns !== undefined;
  const found = isGiven
    ? { delimiter, quote, header, names: columns }
    : await sniff(connection, config, path, scan, expected);
  const escapedBy = config.escape ?? (await findEscape(connection, config, path, scan, found));
  const dialect = { ...found, escape: escapedBy, encoding: scan.encoding, strict: true };
  return scan.mixedLineEnds ? withLineEnds(dialect, path) : dialect;
}

type Found = Pick<Dialect, 'delimiter' | 'quote' | 'header' | 'names'> & { escape?: string };

/** What DuckDB finds by looking, under what the configuration says. */
async function sniff(
  connection: DuckDBConnection,
  config: CsvConfig,
  path: string,
  scan: TextScan,
  expected: string[],
): Promise<Found> {
  const start = await startOf(path, scan.encoding);
  // Behind a byte order mark DuckDB does not see that the first name is in quotes.
  const isQuoted = start.startsWith('\ufeff"') && config.header !== false;
  const found = await askSniffer(connection, config, path, scan, isQuoted ? ['skip = 1', 'header = false'] : []);
  const text = (value: unknown): string => (value === '(empty)' ? '' : String(value));
  const delimiter = config.delimiter ?? text(found.delimiter);
  const quote = config.quote ?? (text(found.quote) || '"');
  const foundEscape = text(found.escape);
  const names = found.names as string[];
  const first = firstRecord(start.replace(/^\ufeff/, ''), { delimiter, quote, escape: foundEscape || quote });
  if (isQuoted && first.length === names.length)
    return { delimiter, quote, escape: foundEscape, header: true, names: config.columns ?? unique(first) };
  const isNamed = first.some((name) => lower(expected).includes(name.toLowerCase()));
  const header =
    config.header ??
    (config.columns === undefined
      ? isNamed || Boolean(found.header)
      : String(lower(config.columns)) === String(lower(names)));
  // A header that DuckDB took for a row gave no names.
  const own = header && !found.header && config.header === undefined ? unique(first) : names;
  return { delimiter, quote, escape: foundEscape, header, names: config.columns ?? own };
}

async function askSniffer(
  connection: DuckDBConnection,
  config: CsvConfig,
  path: string,
  scan: TextScan,
  more: string[] = [],
) {
  const options = [
    `encoding = '${scan.encoding}'`,
    ...(config.delimiter === undefined ? [] : [`delim = ${literal(config.delimiter)}`]),
    ...(config.quote === undefined ? [] : [`quote = ${literal(config.quote)}`]),
    ...(config.escape === undefined ? [] : [`escape = ${literal(config.escape)}`]),
    ...(config.header === undefined || more.length > 0 ? [] : [`header = ${config.header}`]),
    ...(scan.mixedLineEnds ? ['strict_mode = false'] : []),
    'ignore_errors = true', // a ragged line is reported by the reading itself, with its number
    ...more,
  ];
  return queryOne(
    connection,
    `SELECT Delimiter AS delimiter, Quote AS quote, Escape AS escape, HasHeader AS header,
       list_transform(Columns, lambda c: c.name) AS names FROM sniff_csv(${filePath(path)}, ${options.join(', ')})`,
    `looking at ${path}`,
  );
}

/** Names as columns need them: an empty one by its place, a second of a name with a number. */
function unique(names: string[]): string[] {
  const taken = new Set<string>();
  return names.map((name, i) => {
    const wanted = name === '' ? `column${i}` : name;
    let own = wanted;
    for (let n = 1; taken.has(own.toLowerCase()); n++) own = `${wanted}_${n}`;
    taken.add(own.toLowerCase());
    return own;
  });
}

/**
 * The escape character within quotes: a backslash where one stands before a quote and the file can be read so, else the quote.
 * Throws DATA_CSV_INVALID where a backslash also stands alone: some programs mean it to stay, others to go.
 */
async function findEscape(
  connection: DuckDBConnection,
  config: CsvConfig,
  path: string,
  scan: TextScan,
  { delimiter, quote, escape: found }: Found,
): Promise<string> {
  if (!scan.escapesQuotes || quote !== '"') return quote;
  const isFound =
    found === '\\' || (await askSniffer(connection, config, path, scan, ['sample_size = -1'])).escape === '\\';
  if (!isFound) return quote;
  const { loneEscape } = await walkRecords(path, { delimiter, quote, escape: '\\' });
  if (loneEscape === undefined) return '\\';
  const { line, before } = loneEscape;
  const reason =
    `backslashes stand before quotes, as escape characters do, but one stands before ${JSON.stringify(before)}, where some ` +
    `programs mean it to stay and others to go. Set "escape" of the source: '\\' lets it go, '"' reads quotes written twice`;
  throw error('DATA_CSV_INVALID', { path, line, reason });
}

/** Lines end in two ways. Within quotes that means nothing. */
async function withLineEnds(dialect: Dialect, path: string): Promise<Dialect> {
  const { mixedLineEnds, count, unterminated } = await walkRecords(path, dialect);
  if (!mixedLineEnds) return dialect;
  if (unterminated !== undefined)
    throw error('DATA_CSV_INVALID', {
      path,
      line: unterminated,
      reason: 'nothing ends the quoted value that begins here',
    });
  return { ...dialect, strict: false, records: count - (dialect.header ? 1 : 0) };
}

/** The beginning of a text file, as text. */
async function startOf(path: string, encoding: Encoding): Promise<string> {
  if (/\.zst$/i.test(path)) return '';
  const decoder = new TextDecoder({ 'utf-8': 'utf-8', 'latin-1': 'latin1', 'utf-16': 'utf-16le' }[encoding], {
    ignoreBOM: true,
  });
  return decoder.decode(await firstContent(path));
}
