/** Writes the rows of a world as Parquet: DuckDB computes them in one streamed query. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asWriteError } from '../../base/files.ts';
import { execute, openDuckDB } from '../sql/duckdb.ts';
import { literal } from '../sql/text.ts';
import { HASH_MACROS, mixedSql, type Stream, uniformSql } from './hash.ts';
import type { WorldOptions } from './options.ts';
import { FLOWS, LEVELS, type Planted } from './planted.ts';
import { thingsSql } from './things.ts';

export interface WriteOptions {
  /** Rows to write; at most 2^32. Row i is the same whatever the number, except for its time. */
  rows: number;
  /** Also write the true probability of each label, as columns `probability_<task>`. Default false. */
  probabilities?: boolean;
  memoryLimit?: string;
}

interface Source {
  world: WorldOptions;
  planted: Planted;
  streams: Record<string, Stream>;
}

/** The first row's time in microseconds, and the days over which the rows are spread evenly. */
const START = Date.UTC(2024, 0, 1) * 1000;
const DAYS = 30;

/** Writes to a temporary name first, so that `path` is whole or absent. Throws DISK_FULL, FILE_UNWRITABLE. */
export async function writeRows(path: string, source: Source, options: WriteOptions): Promise<void> {
  const folder = makeFolder(dirname(path));
  const database = await openDuckDB({ access: {}, memoryLimit: options.memoryLimit, tempFolder: folder });
  const run = (sql: string): Promise<void> => execute(database.connection, sql, 'writing the synthetic world');
  try {
    for (const macro of HASH_MACROS) await run(macro);
    const written = join(folder, 'rows.parquet');
    await run(
      `COPY (${rowsSql(source, options)}) TO ${literal(written)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)`,
    );
    renameSync(written, path);
  } catch (cause) {
    throw asWriteError(cause, path);
  } finally {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function makeFolder(parent: string): string {
  try {
    if (!existsSync(parent)) mkdirSync(parent, { recursive: true });
    return mkdtempSync(join(parent, '.synthetic-'));
  } catch (cause) {
    throw asWriteError(cause, parent);
  }
}

function rowsSql({ world, planted, streams }: Source, { rows, probabilities = false }: WriteOptions): string {
  const step = Math.floor((DAYS * 86_400_000_000) / rows);
  const tasks = planted.tasks.map((name, t) => ({ name: `"${name}"`, t }));
  const columns = [
    'time, scenario, user_id',
    ...FLOWS.map((f) => f.userField),
    'item_id',
    ...FLOWS.map((f) => f.itemField),
    'tags, price',
    ...tasks.map(({ name, t }) => `label${t}::TINYINT AS ${name}`),
    ...(probabilities ? planted.tasks.map((name, t) => `p${t} AS "probability_${name}"`) : []),
  ];
  const labels = tasks.flatMap(({ t }) => {
    const chained = world.funnel && t > 0;
    return [
      `${chained ? `label${t - 1} AND ` : ''}${uniformSql('mixed', streams[`label${t}`])} < c${t} AS label${t}`,
      `${chained ? `p${t - 1} * ` : ''}c${t} AS p${t}`,
    ];
  });
  return `
    SELECT ${columns.join(', ')} FROM (
      SELECT *, ${labels.join(', ')} FROM (
        SELECT *, ${tasks.map(({ t }) => `${chanceSql(world, planted, t)} AS c${t}`).join(', ')} FROM (
          SELECT *, make_timestamp(${START} + row * ${step}) AS time,
            ${literalList(planted.scenarios.map(literal))}[s + 1] AS scenario
          FROM (${thingsSql(world.seed, drawSql(world, planted, streams, rows))}))))`;
}

/** Row number, mixed bits, user_id, item_id and s, the scenario's number; `row(index)` in world.ts is its twin. */
function drawSql(world: WorldOptions, planted: Planted, streams: Record<string, Stream>, rows: number): string {
  let sum = 0;
  const borders = planted.scenarioShares.slice(0, -1).map((share) => {
    sum += share;
    return sum;
  });
  return `
    SELECT row, mixed,
      floor(u * sqrt(u) * ${world.users})::INTEGER AS user_id,
      floor(i * i * ${world.items})::INTEGER AS item_id,
      ${['0', ...borders.map((border) => `(x >= ${border}::DOUBLE)::INTEGER`)].join(' + ')} AS s
    FROM (
      SELECT row, mixed, ${uniformSql('mixed', streams.user)} AS u, ${uniformSql('mixed', streams.item)} AS i,
        ${uniformSql('mixed', streams.scenario)} AS x
      FROM (SELECT range AS row, ${mixedSql('range::UBIGINT', streams.user)} AS mixed FROM range(${rows})))`;
}

/** Probability of task t's label: what its flows bring, each looked up by scenario and pair of levels (the first with the bias). */
function chanceSql({ noise }: WorldOptions, { bias, effect, strength }: Planted, t: number): string {
  const lookup = (values: number[], at: string): string => `(${literalList(values.map(double))}::DOUBLE[])[${at} + 1]`;
  const logit = FLOWS.map((_, k) => {
    const values = effect.flatMap((tasks, s) =>
      Array.from(tasks[t][k], (x) => (k === 0 ? bias[s][t] : 0) + strength[s][t][k] * x),
    );
    return lookup(values, `s * ${LEVELS * LEVELS} + u${k} * ${LEVELS} + i${k}`);
  }).join(' + ');
  const chance = `1 / (1 + exp(-(${logit})))`;
  if (noise === 0) return chance;
  const base = lookup(
    bias.map((b) => b[t]),
    's',
  );
  return `(${double(1 - noise)} * ${chance} + ${double(noise)} / (1 + exp(-${base})))`;
}

const literalList = (values: string[]): string => `[${values.join(', ')}]`;
/** Decimal text alone would be a DECIMAL with fewer digits. */
const double = (x: number): string => `${x}::DOUBLE`;
