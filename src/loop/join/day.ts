/** Writes the rows of a day, in order of time, in parts of bounded size. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { syncFolder } from '../../base/files.ts';
import { DAY_MS } from '../../base/times.ts';
import { sequenceColumn } from '../../data/prepared/columns.ts';
import { type Database, execute, query, queryOne, type Row } from '../../data/sql/duckdb.ts';
import { identifier, literal } from '../../data/sql/text.ts';
import type { JoinTaskCounts } from '../../documents/join.ts';
import { rowsSql } from './columns.ts';
import { fillSequences } from './history.ts';
import { createLabels, stateOf } from './labels.ts';
import { type JoinPlan, SEQUENCES } from './plan.ts';
import { eventsIn } from './reactions.ts';
import { makeDurable } from './read-log.ts';
import type { DayState } from './state.ts';

type Connection = Database['connection'];

export interface DayRequest {
  out: string;
  /** Date, UTC. */
  day: string;
  /** Names of the files of events that have answers of the day. */
  files: readonly string[];
  asOf: number;
  /** Where the parts go. */
  folder: string;
}

/** Rows of a part, about. They are sorted in memory. */
const PART_ROWS = 400_000;

export async function writeDay(
  connection: Connection,
  plan: JoinPlan,
  request: DayRequest,
): Promise<Omit<DayState, 'generation' | 'files'>> {
  const { asOf, folder } = request;
  const counts = await createImpressions(connection, plan, request);
  await createLabels(connection, plan);
  await fillSequences(connection, plan);
  const parts = await partsOf(connection, request.day);
  if (parts.length > 0) mkdirSync(folder, { recursive: true });
  for (const [number, [from, to]] of parts.entries()) {
    const path = join(folder, `part-${String(number).padStart(5, '0')}.parquet`);
    await execute(
      connection,
      `COPY (${rowsSql(plan, { asOf, from, to })}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
      `writing the rows of ${request.day}`,
    );
    makeDurable(path);
  }
  if (parts.length > 0) syncFolder(folder);
  const tasks = await countStates(connection, plan, asOf);
  const written = parts.length === 0 ? NOTHING : await countWritten(connection, plan, folder);
  return {
    ...counts,
    ...written,
    parts: parts.length,
    matures: await nextMaturity(connection, plan, asOf),
    matched: await countMatched(connection),
    tasks,
    sampledOut: counts.items - written.rows,
  };
}

/** Answers of the plan's models and scenarios. */
const isWanted = ({ models, scenarios }: JoinPlan): string =>
  `${isModel(models)} AND ${isOneOf('scenario', scenarios)}`;
const isModel = (models: readonly string[]): string => isOneOf("split_part(model, '@', 1)", models);
const isOneOf = (sql: string, values: readonly string[]): string => `${sql} IN (${values.map(literal).join(', ')})`;

/**
 * Creates the view `impressions`: the answers of the day up to asOf, each once. Of those with one request id the first counts: a client
 * that asks again after a time-out has one user with one list. Only ids that are there twice are kept in memory.
 */
async function createImpressions(
  connection: Connection,
  plan: JoinPlan,
  { out, day, files, asOf }: DayRequest,
): Promise<
  Pick<DayState, 'impressions' | 'items' | 'unshown' | 'duplicates' | 'repeated' | 'otherModels' | 'otherScenarios'>
> {
  const start = Date.parse(day);
  // Files of earlier versions have no values by field.
  const all = `(SELECT * FROM (SELECT * FROM ${eventsIn(out, files, ', union_by_name = true, filename = true, file_row_number = true')}
      UNION ALL BY NAME SELECT NULL::JSON AS item_values WHERE false)
    WHERE kind = 'impression' AND time >= ${start} AND time < ${start + DAY_MS} AND time <= ${asOf})`;
  const doing = `looking at the answers of ${day}`;
  const copy = '{time: time, id: event_id, file: filename, row: file_row_number}';
  await execute(
    connection,
    `CREATE OR REPLACE TABLE again AS
     SELECT request_id AS again, min(${copy}) AS first, count(*) AS lines, count(DISTINCT event_id) AS ids
     FROM ${all} WHERE ${isWanted(plan)} GROUP BY request_id HAVING count(*) > 1`,
    doing,
  );
  await execute(
    connection,
    `CREATE OR REPLACE TEMP VIEW impressions AS
     SELECT a.* EXCLUDE (filename, file_row_number) FROM ${all} AS a LEFT JOIN again ON a.request_id = again.again
     WHERE ${isWanted(plan)} AND (again.again IS NULL OR again.first = ${copy})`,
    doing,
  );
  const [others, again, found] = [
    await queryOne(
      connection,
      `SELECT count(*) FILTER (NOT ${isModel(plan.models)}) AS models,
         count(*) FILTER (${isModel(plan.models)} AND NOT ${isOneOf('scenario', plan.scenarios)}) AS scenarios FROM ${all}`,
      doing,
    ),
    await queryOne(
      connection,
      'SELECT coalesce(sum(lines - ids), 0) AS duplicates, coalesce(sum(ids - 1), 0) AS repeated FROM again',
      doing,
    ),
    await queryOne(
      connection,
      'SELECT count(*) AS impressions, coalesce(sum(shown), 0) AS items, coalesce(sum(candidates - shown), 0) AS unshown FROM impressions',
      doing,
    ),
  ];
  return {
    impressions: Number(found.impressions),
    items: Number(found.items),
    unshown: Number(found.unshown),
    duplicates: Number(again.duplicates),
    repeated: Number(again.repeated),
    otherModels: Number(others.models),
    otherScenarios: Number(others.scenarios),
  };
}

const MINUTE_MS = 60_000;

/** Borders of the parts: whole minutes. A minute with more rows than a part should have is one. */
async function partsOf(connection: Connection, day: string): Promise<[number, number][]> {
  const minutes = await query(
    connection,
    `SELECT time // ${MINUTE_MS} AS minute, sum(shown) AS rows FROM impressions WHERE shown > 0 GROUP BY minute ORDER BY minute`,
    `dividing ${day}`,
  );
  const parts: [number, number][] = [];
  let rows = 0;
  for (const { minute, rows: more } of minutes) {
    const [from, to] = [Number(minute) * MINUTE_MS, (Number(minute) + 1) * MINUTE_MS];
    const last = parts.at(-1);
    if (last === undefined || rows + Number(more) > PART_ROWS) {
      parts.push([from, to]);
      rows = 0;
    } else last[1] = to;
    rows += Number(more);
  }
  return parts;
}

/** States of all shown items. Whether a label is open depends on the time alone; others than negative need an interaction. */
async function countStates(connection: Connection, { tasks }: JoinPlan, asOf: number): Promise<JoinTaskCounts[]> {
  const doing = 'counting the labels';
  const open = tasks.map(({ window }, k) => `coalesce(sum(shown) FILTER (${asOf} < time + ${window}), 0) AS open${k}`);
  const all = await queryOne(
    connection,
    `SELECT coalesce(sum(shown), 0) AS items, ${open.join(', ')} FROM impressions`,
    doing,
  );
  const states = tasks.map((task, k) => `${stateOf(task, k, { t: 't.t', asOf })} AS state${k}`);
  const counts = tasks.flatMap((_, k) =>
    ['positive', 'late', 'revoked'].map((state) => `count(*) FILTER (state${k} = '${state}') AS ${state}${k}`),
  );
  const some = await queryOne(
    connection,
    `SELECT ${counts.join(', ')} FROM (
       SELECT ${states.join(', ')} FROM touched AS t JOIN labels AS l ON t.request_id = l.request_id AND t.item_id = l.item_id)`,
    doing,
  );
  return tasks.map(({ name }, k) => {
    const [open, positive, late, revoked] = [
      Number(all[`open${k}`]),
      ...['positive', 'late', 'revoked'].map((state) => Number(some[`${state}${k}`])),
    ];
    const negative = Number(all.items) - open - positive - late - revoked;
    return { task: name, open, positive, negative, late, revoked };
  });
}

const NOTHING: Pick<DayState, 'rows' | 'known' | 'units'> = { rows: 0, known: {}, units: 0 };

async function countWritten(
  connection: Connection,
  { fields, sequences }: JoinPlan,
  folder: string,
): Promise<Pick<DayState, 'rows' | 'known' | 'units'>> {
  const names = fields.map(({ config }) => config.name);
  const counts = names.map((name, i) => `count(${identifier(name)}) AS k${i}`);
  const lists = (sequences?.types ?? []).map((type) => `len(${identifier(sequenceColumn(type))}) > 0`);
  if (lists.length > 0) counts.push(`count(*) FILTER (${lists.join(' OR ')}) AS k${names.push(SEQUENCES) - 1}`);
  const found: Row = await queryOne(
    connection,
    `SELECT count(*) AS rows, count(log_unit) AS units, ${counts.join(', ')} FROM read_parquet(${literal(`${folder}/*.parquet`)})`,
    'counting the rows',
  );
  return {
    rows: Number(found.rows),
    units: Number(found.units),
    known: Object.fromEntries(names.map((name, i) => [name, Number(found[`k${i}`])])),
  };
}

async function countMatched(connection: Connection): Promise<DayState['matched']> {
  const { interaction, correction } = await queryOne(
    connection,
    `SELECT count(DISTINCT event_id) FILTER (kind = 'interaction') AS interaction,
       count(DISTINCT event_id) FILTER (kind = 'correction') AS correction FROM matched`,
    'counting what users did',
  );
  return { interaction: Number(interaction), correction: Number(correction) };
}

async function nextMaturity(connection: Connection, { tasks }: JoinPlan, asOf: number): Promise<number | null> {
  const ends = tasks.map(({ window }, k) => `min(time + ${window}) FILTER (time + ${window} > ${asOf}) AS end${k}`);
  const found = await queryOne(connection, `SELECT ${ends.join(', ')} FROM impressions`, 'looking for the next label');
  const times = tasks.flatMap((_, k) => (found[`end${k}`] === null ? [] : [Number(found[`end${k}`])]));
  return times.length === 0 ? null : Math.min(...times);
}
