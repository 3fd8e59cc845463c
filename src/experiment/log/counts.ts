/** Numbers of arms: units day by day, answers, models, latency; units known before. */
import { DAY_MS } from '../../base/times.ts';
import { type Database, query, queryOne } from '../../data/sql/duckdb.ts';

type Connection = Database['connection'];

export interface ArmCounts {
  arm: string;
  answers: number;
  items: number;
  failed: number;
  models: Record<string, number>;
  latency: { mean: number; p50: number; p99: number } | null;
}

export async function armCounts(connection: Connection): Promise<ArmCounts[]> {
  const rows = await query(
    connection,
    `SELECT arm, count(*) AS answers, sum(items)::BIGINT AS items, count(*) FILTER (failed) AS failed, avg(took_ms) AS mean,
       quantile_cont(took_ms, [0.5, 0.99]) AS quantiles FROM facts WHERE exposed GROUP BY arm ORDER BY arm`,
    'counting the answers of arms',
  );
  const models = await query(
    connection,
    'SELECT arm, model, count(*) AS n FROM facts WHERE exposed GROUP BY arm, model ORDER BY arm, n DESC, model',
    'counting the models of arms',
  );
  return rows.map((row) => ({
    arm: String(row.arm),
    answers: Number(row.answers),
    items: Number(row.items),
    failed: Number(row.failed),
    models: Object.fromEntries(
      models.filter(({ arm }) => arm === row.arm).map(({ model, n }) => [String(model), Number(n)]),
    ),
    latency: row.mean === null ? null : latencyOf(Number(row.mean), row.quantiles as unknown[]),
  }));
}

const latencyOf = (mean: number, [p50, p99]: unknown[]) => ({ mean, p50: Number(p50), p99: Number(p99) });

export interface UnitCounts {
  /** By day from the first one: new units of each arm, in the order of `arms`. */
  days: number[][];
  units: number;
  several: number;
  /** Units of one arm that were seen before the experiment. */
  before: number;
  /** Milliseconds since 1970 of the first answer before the experiment; null without one. */
  firstBefore: number | null;
}

export async function unitCounts(connection: Connection, arms: readonly string[]): Promise<UnitCounts> {
  const rows = await query(
    connection,
    `SELECT (first - (SELECT min(first) FROM units)) // ${DAY_MS} AS day, arm, count(*) AS n FROM units WHERE arms = 1 GROUP BY day, arm`,
    'counting units',
  );
  const last = rows.reduce((most, { day }) => Math.max(most, Number(day)), 0);
  const days = Array.from({ length: last + 1 }, () => arms.map(() => 0));
  for (const { day, arm, n } of rows) {
    const i = arms.indexOf(String(arm));
    if (i >= 0) days[Number(day)][i] = Number(n);
  }
  const { units, several } = await queryOne(
    connection,
    'SELECT count(*) AS units, count(*) FILTER (arms > 1) AS several FROM units',
    'counting units in several arms',
  );
  const { before, first } = await queryOne(
    connection,
    'SELECT count(DISTINCT unit) AS before, min(time) AS first FROM facts WHERE NOT exposed',
    'counting units that were there before',
  );
  return {
    days,
    units: Number(units),
    several: Number(several),
    before: Number(before),
    firstBefore: first === null ? null : Number(first),
  };
}

/** The highest bucket of each arm's units: how far coverage reached, whatever it is now. */
export async function highestBuckets(connection: Connection, arms: readonly string[]): Promise<number[]> {
  const rows = await query(
    connection,
    'SELECT arm, max(bucket) AS bucket FROM units WHERE arms = 1 GROUP BY arm',
    'looking for the buckets of arms',
  );
  return arms.map((arm) => Number(rows.find((row) => row.arm === arm)?.bucket ?? -1));
}

/** Calls back for each unit that the log has before the experiment in its scenarios, with its bucket where it came back. */
export async function eachKnownUnit(
  connection: Connection,
  { start, before }: { start: number; before: number },
  call: (unit: string, bucket: number | null) => void,
): Promise<void> {
  const result = await connection.stream(
    `SELECT k.unit AS unit, u.bucket AS bucket FROM (
       SELECT DISTINCT unit FROM events WHERE kind = 'impression' AND unit IS NOT NULL AND time < ${start} AND time >= ${start - before}
         AND scenario IN (SELECT DISTINCT scenario FROM answers)) AS k
     LEFT JOIN units AS u ON k.unit = u.unit`,
  );
  for await (const rows of result.yieldRowsJs())
    for (const [unit, bucket] of rows) call(String(unit), bucket === null ? null : Number(bucket));
}

/** How many new units of all arms there were at each of these numbers: when the unit came that completes it. Milliseconds since 1970. */
export async function timesOfUnits(connection: Connection, numbers: readonly number[]): Promise<number[]> {
  if (numbers.length === 0) return [];
  const rows = await query(
    connection,
    `SELECT first FROM (SELECT first, row_number() OVER (ORDER BY first, unit) AS n FROM units WHERE arms = 1)
     WHERE n IN (${numbers.join(', ')}) ORDER BY n`,
    'looking for the times of planned looks',
  );
  return rows.map(({ first }) => Number(first));
}
