/** What the files look like: sources with the profile of every column, from one scan per source. */
import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, parse, relative, resolve, sep } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { asReadError } from '../../base/files.ts';
import { type DatasetInput, datasetSchema } from '../../config/dataset.ts';
import { identifier, literal, queryOne } from '../duckdb.ts';
import { createSourceView, type Source, viewOf } from '../sources.ts';

export interface ColumnProfile {
  source: string;
  name: string;
  /** DuckDB's type. */
  type: string;
  /** Share of rows without a value. */
  missing: number;
  /** Number of different values. Many of them in many rows are estimated, within a quarter. */
  distinct: number;
  estimated: boolean;
  /** Smallest and largest value as text. */
  least: string;
  most: string;
  /** Mean length of the text. */
  length: number;
  /** Share of texts with each of SEPARATORS in them. */
  separated: Record<string, number>;
}

export interface SourceProfile {
  name: string;
  /** As the configuration says it. */
  config: DatasetInput['sources'][string];
  rows: number;
  columns: ColumnProfile[];
}

/** Between the values of a multi-value field, likeliest first. */
export const SEPARATORS = ['|', ';', ','];
/** Different values are estimated in sources of more rows, unless they turn out to be few. */
const MANY_ROWS = 1_000_000;
const FEW_VALUES = 5000;

/** Files of equal columns are one source. Paths in the configuration are relative to the returned folder. */
export async function profileFiles(
  connection: DuckDBConnection,
  files: string[],
): Promise<{ folder: string; sources: SourceProfile[] }> {
  const paths = files.map((file) => resolve(file));
  const folder = commonFolder(paths);
  const groups: { name: string; paths: string[]; source: Source; config: SourceProfile['config'] }[] = [];
  for (const path of paths) {
    const name = unusedName(path, groups);
    const config = { path: relative(folder, path), ...dialect(path) };
    const parsed = datasetSchema.shape.sources.parse({ [name]: config })[name];
    const source = await createSourceView(connection, name, parsed, [path]);
    const like = groups.find((g) => String(names(g.source)) === String(names(source)));
    if (like === undefined) groups.push({ name, paths: [path], source, config });
    else like.paths.push(path);
  }
  const sources: SourceProfile[] = [];
  for (const group of groups) {
    const config = { ...group.config, path: group.paths.map((p) => relative(folder, p)) };
    if (config.path.length > 1) {
      const parsed = datasetSchema.shape.sources.parse({ [group.name]: config })[group.name];
      group.source = await createSourceView(connection, group.name, parsed, group.paths);
    }
    const columns = await profileColumns(connection, group.source);
    const path = config.path.length === 1 ? config.path[0] : config.path;
    sources.push({ name: group.name, config: { ...config, path }, rows: group.source.rows, columns });
  }
  return { folder, sources };
}

const names = (source: Source): string[] => source.columns.map((c) => c.name);

function commonFolder(paths: string[]): string {
  const folders = paths.map((path) => dirname(path).split(sep));
  const first = folders[0];
  const shared = first.findIndex((part, i) => folders.some((f) => f[i] !== part));
  return first.slice(0, shared < 0 ? undefined : shared).join(sep) || sep;
}

const FORMATS = /^\.(csv|tsv|txt|dat|parquet|pq|jsonl?|ndjson|gz|zst)$/i;

function unusedName(path: string, groups: { name: string }[]): string {
  const { name: stem, base, ext } = parse(path);
  const plain = validName(FORMATS.test(ext) ? stem : base);
  let name = plain;
  for (let i = 2; groups.some((g) => g.name === name); i++) name = `${plain}_${i}`;
  return name;
}

/** Any text as a name that a configuration accepts. */
export const validName = (text: string): string => text.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^(?=\d|$)/, '_');

/** A delimiter of two characters is not found by looking, so it is written down. */
function dialect(path: string): { delimiter?: string } {
  const start = firstBytes(path);
  if (/\.(parquet|pq|jsonl?|ndjson|gz|zst)$/i.test(path)) return {};
  const lines = start
    .toString('latin1')
    .split('\n')
    .slice(0, 5)
    .filter((line) => line !== '');
  const counts = lines.map((line) => line.split('::').length);
  return counts.length > 0 && counts[0] > 1 && counts.slice(0, -1).every((n) => n === counts[0])
    ? { delimiter: '::' }
    : {};
}

function firstBytes(path: string): Buffer {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(4096);
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw asReadError(cause, path, 'a table');
  }
}

async function profileColumns(connection: DuckDBConnection, source: Source): Promise<ColumnProfile[]> {
  const doing = `looking at ${source.files.join(', ')}`;
  const estimated = source.rows > MANY_ROWS;
  const parts = source.columns.flatMap(({ name, type }, i) => {
    const column = identifier(name);
    const counted = [
      `count(${column}) AS n${i}`,
      `${estimated ? 'approx_count_distinct' : 'count'}(${estimated ? '' : 'DISTINCT '}${column}) AS d${i}`,
      `min(${column})::VARCHAR AS least${i}`,
      `max(${column})::VARCHAR AS most${i}`,
    ];
    if (type !== 'VARCHAR') return counted;
    const separated = SEPARATORS.map((s, k) => `count(*) FILTER (contains(${column}, ${literal(s)})) AS s${i}_${k}`);
    return [...counted, `avg(length(${column})) AS length${i}`, ...separated];
  });
  const found = await queryOne(connection, `SELECT ${parts.join(', ')} FROM ${viewOf(source.name)}`, doing);
  const few = source.columns.flatMap((_, i) => (Number(found[`d${i}`]) <= FEW_VALUES ? [i] : []));
  if (estimated && few.length > 0) {
    const counts = few.map((i) => `count(DISTINCT ${identifier(source.columns[i].name)}) AS d${i}`);
    Object.assign(found, await queryOne(connection, `SELECT ${counts} FROM ${viewOf(source.name)}`, doing));
  }
  return source.columns.map(({ name, type }, i) => {
    const present = Number(found[`n${i}`]);
    const share = (n: unknown): number => (present === 0 ? 0 : Number(n ?? 0) / present);
    return {
      source: source.name,
      name,
      type,
      missing: 1 - present / source.rows,
      distinct: Number(found[`d${i}`]),
      estimated: estimated && !few.includes(i),
      least: String(found[`least${i}`]),
      most: String(found[`most${i}`]),
      length: Number(found[`length${i}`] ?? 0),
      separated: Object.fromEntries(SEPARATORS.map((s, k) => [s, share(found[`s${i}_${k}`])])),
    };
  });
}
