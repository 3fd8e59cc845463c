/**
 * Answers of an experiment and of the time before it, each with what was done to its items. The unit of all that follows is the unit of
 * the log: a user in most cases.
 *
 *   exposed   answers to units of one arm, from the first exposure of anybody to `asOf`
 *   held      items with an interaction of a type that no correction took back, within its window
 *   before    answers to the same units in the same scenarios before that, for CUPED and for the check of the arms
 */
import { type Database, execute, query, queryOne } from '../../data/sql/duckdb.ts';
import { literal } from '../../data/sql/text.ts';

type Connection = Database['connection'];

export interface AnswersOptions {
  key: string | typeof EVERYBODY;
  /** Milliseconds since 1970: later events do not count. */
  asOf: number;
  /** How far the time before the experiment goes back, milliseconds. */
  before: number;
  /** Types of interactions that metrics count. */
  types: readonly string[];
  /** By type: time after an answer in which interactions count, milliseconds. */
  windows: Readonly<Record<string, number>>;
}

export interface Period {
  /** Milliseconds since 1970: first and last answer of the experiment. */
  first: number;
  last: number;
  /** The version of assignment that counts: the last one. */
  version: number;
  /** Answers of this experiment under earlier versions: left out. */
  earlier: number;
  /** Answers whose request id was answered before: left out. */
  repeated: number;
}

/** How far clocks may differ: an interaction may be this much earlier than its answer. */
const SKEW = 300_000;

/** In place of a key: all answers with a unit count, in one arm called `all`. */
export const EVERYBODY = Symbol('everybody');

/** The entry of an experiment in an impression. */
const assignedTo = (key: string | typeof EVERYBODY): string =>
  key === EVERYBODY
    ? `{'arm': 'all', 'bucket': 0.0, 'bucket_version': 0, 'failed': NULL::VARCHAR}`
    : `list_filter(experiments, lambda one: one."key" = ${literal(key)})[1]`;

/** Keys of the experiments of a log. */
export async function keysOf(connection: Connection): Promise<string[]> {
  const found = await query(
    connection,
    `SELECT DISTINCT unnest(experiments)."key" AS found FROM events WHERE kind = 'impression' ORDER BY found`,
    'looking for experiments',
  );
  return found.map(({ found }) => String(found));
}

/** Types of interactions of a log, the most frequent first. */
export async function interactionTypes(connection: Connection): Promise<string[]> {
  const found = await query(
    connection,
    `SELECT type FROM events WHERE kind = 'interaction' GROUP BY type ORDER BY count(*) DESC, type LIMIT 20`,
    'looking for what users did',
  );
  return found.map(({ type }) => String(type));
}

/**
 * Creates the tables `units` (`unit`, `arm`, `arms`, `first`, `bucket`) and `facts` (an answer each: `unit`, `arm`, `scenario`, `exposed`,
 * `items`, `took_ms`, `failed`, `model`, and for type k `n<k>` items with an interaction, `v<k>` the sum of their values, `known<k>`:
 * is its window over?). Undefined where the log has no answer of the experiment.
 */
export async function createAnswers(connection: Connection, options: AnswersOptions): Promise<Period | undefined> {
  const { key, asOf } = options;
  const counting = 'reading the answers of the experiment';
  const found = await queryOne(
    connection,
    `SELECT min(time) AS first, max(time) AS last, max(one.bucket_version) AS version, count(*) AS n, count(DISTINCT request_id) AS requests
     FROM (SELECT time, request_id, ${assignedTo(key)} AS one FROM events WHERE kind = 'impression' AND time <= ${asOf})
     WHERE one IS NOT NULL`,
    counting,
  );
  if (Number(found.n) === 0) return undefined;
  const version = Number(found.version);
  const repeated = Number(found.n) - Number(found.requests);
  const first = repeated === 0 ? '' : 'QUALIFY row_number() OVER (PARTITION BY request_id ORDER BY time, event_id) = 1';
  await execute(
    connection,
    `CREATE OR REPLACE TABLE answers AS
     SELECT request_id, time, unit, scenario, model, took_ms, policy, other, items, one.arm AS arm, one.bucket AS bucket, one.failed AS failed
     FROM (SELECT *, ${assignedTo(key)} AS one FROM events WHERE kind = 'impression' AND time <= ${asOf})
     WHERE unit IS NOT NULL AND one.bucket_version = ${version} ${first}`,
    counting,
  );
  await execute(
    connection,
    `CREATE OR REPLACE TABLE units AS
     SELECT unit, min(arm) AS arm, count(DISTINCT arm) AS arms, min(time) AS first, min(bucket) AS bucket FROM answers GROUP BY unit`,
    counting,
  );
  const [{ start, n }] = await query(connection, 'SELECT min(time) AS start, count(*) AS n FROM answers', counting);
  await createFacts(connection, options, Number(start));
  return {
    first: Number(start),
    last: Number(found.last),
    version,
    earlier: Number(found.requests) - Number(n),
    repeated,
  };
}

async function createFacts(connection: Connection, options: AnswersOptions, start: number): Promise<void> {
  const { types, windows, asOf, before } = options;
  const doing = 'joining what users did to the answers';
  await execute(
    connection,
    `CREATE OR REPLACE TABLE asked AS
     SELECT request_id, time, unit, scenario, model, took_ms, failed, true AS exposed,
       list_transform(items, lambda item: item.item_id) AS shown
     FROM (SELECT * REPLACE (list_filter(items, lambda item: item."position" IS NOT NULL) AS items) FROM answers)
     UNION ALL
     SELECT request_id, time, unit, scenario, model, NULL, NULL, false,
       list_transform(list_filter(items, lambda item: item."position" IS NOT NULL), lambda item: item.item_id)
     FROM events WHERE kind = 'impression' AND time < ${start} AND time >= ${start - before}
       AND unit IN (SELECT unit FROM units) AND scenario IN (SELECT DISTINCT scenario FROM answers)`,
    doing,
  );
  await execute(
    connection,
    `CREATE OR REPLACE TABLE reactions AS
     SELECT event_id, first.kind AS kind, first.request_id AS request_id, first.item_id AS item_id, first.type AS type,
       first.value AS value, first.time AS time
     FROM (
       SELECT event_id, min({time: time, kind: kind, request_id: request_id, item_id: item_id, type: type, value: value}) AS first
       FROM events WHERE kind IN ('interaction', 'correction') AND time <= ${asOf}
         AND type IN (${[...types, ''].map(literal).join(', ')}) GROUP BY event_id)`,
    doing,
  );
  const within = types.map((type) => {
    const window = windows[type];
    return window === undefined ? [] : [`WHEN ${literal(type)} THEN r.time < a.time + ${window}`];
  });
  const cases = within.flat();
  const inWindow = cases.length === 0 ? 'true' : `CASE r.type ${cases.join(' ')} ELSE true END`;
  await execute(
    connection,
    `CREATE OR REPLACE TABLE held AS
     SELECT r.request_id, r.item_id, r.type, coalesce(sum(r.value), 0) AS value
     FROM reactions AS r JOIN asked AS a ON r.request_id = a.request_id AND list_contains(a.shown, r.item_id)
       LEFT JOIN (SELECT request_id, item_id, type, max(time) AS until FROM reactions WHERE kind = 'correction' GROUP BY ALL) AS c
       ON r.request_id = c.request_id AND r.item_id = c.item_id AND r.type = c.type
     WHERE r.kind = 'interaction' AND (c.until IS NULL OR r.time > c.until) AND r.time >= a.time - ${SKEW}
       AND (a.exposed OR r.time < ${start}) AND ${inWindow}
     GROUP BY r.request_id, r.item_id, r.type`,
    doing,
  );
  const counts = types.flatMap((type, k) => [
    `count(*) FILTER (type = ${literal(type)}) AS n${k}`,
    `coalesce(sum(value) FILTER (type = ${literal(type)}), 0) AS v${k}`,
  ]);
  await execute(
    connection,
    `CREATE OR REPLACE TABLE done AS SELECT ${['request_id', ...counts].join(', ')} FROM held GROUP BY request_id`,
    doing,
  );
  const columns = types.flatMap((type, k) => [
    `coalesce(d.n${k}, 0) AS n${k}`,
    `coalesce(d.v${k}, 0) AS v${k}`,
    `a.time + ${windows[type] ?? 0} <= ${asOf} AS known${k}`,
  ]);
  await execute(
    connection,
    `CREATE OR REPLACE TABLE facts AS
     SELECT a.unit, u.arm, a.scenario, a.exposed, len(a.shown) AS items, a.took_ms, a.failed IS NOT NULL AS failed, a.model, a.time
       ${columns.length === 0 ? '' : `, ${columns.join(', ')}`}
     FROM asked AS a JOIN units AS u ON a.unit = u.unit LEFT JOIN done AS d ON a.request_id = d.request_id
     WHERE u.arms = 1`,
    doing,
  );
}
