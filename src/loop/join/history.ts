/**
 * Sequences of answers whose request brought none: of the unit, the items of its last interactions before the answer. An item that an answer
 * showed counts once for a type, from the first interaction that no correction had taken back by then. Nothing from the time of the
 * answer on has an effect, so the rows of a time are the same whatever happens later.
 */
import { DAY_MS, dateOf } from '../../base/times.ts';
import { type Database, execute, query } from '../../data/sql/duckdb.ts';
import { requestValue } from '../../data/sql/json.ts';
import { literal } from '../../data/sql/text.ts';
import type { JoinHistory, JoinPlan } from './plan.ts';
import { eventsIn, isNewSql, type Known } from './reactions.ts';
import type { JoinState } from './state.ts';

type Connection = Database['connection'];

export interface HistoryRequest {
  out: string;
  state: JoinState;
  asOf: number;
  /** What an earlier join of these rows knew. */
  known: Known;
}

/**
 * Creates, for type k, the tables `kept<k>` (`unit`, `time`, `items`: the last ones from then on; of those that nobody took back) and
 * `undone<k>` (`unit`, `n`, `token`, `since`, `until`: the others, each with its time), of all of the log. `n` is their common order.
 *
 * @returns dates of answers before which something is new
 */
export async function createHistory(
  connection: Connection,
  plan: JoinPlan,
  request: HistoryRequest,
): Promise<readonly string[]> {
  if (plan.history.length === 0) return [];
  await createShown(connection, plan, request);
  for (const one of plan.history) await createEntries(connection, one, plan);
  return changedDays(connection, request);
}

const answersIn = ({ out, state: { files }, known, asOf }: HistoryRequest): string => {
  const part = (some: JoinState['files'], isNew: string): string[] =>
    some.length === 0
      ? []
      : [
          `SELECT *, ${isNew} AS isNew FROM ${eventsIn(
            out,
            some.map(({ name }) => name),
            ', union_by_name = true, filename = true, file_row_number = true',
          )} WHERE kind = 'impression' AND time <= ${asOf}`,
        ];
  const all = [...part(files.slice(0, known.files), isNewSql(known)), ...part(files.slice(known.files), 'true')];
  // Files of earlier versions have no values by field.
  return `(${all.join(' UNION ALL BY NAME ')} UNION ALL BY NAME SELECT NULL::JSON AS item_values WHERE false)`;
};

/**
 * Creates `acted` (requests that something was done to, with the first of their answers) and `seen` (items that these showed: `unit`,
 * `time`, and the token of the field of the sequences' items, as rows have it).
 */
async function createShown(connection: Connection, plan: JoinPlan, request: HistoryRequest): Promise<void> {
  const doing = 'collecting what units saw';
  const field = plan.itemField;
  if (field === undefined) throw new Error('a history needs the field of its items');
  const path = literal(`$."${field.name}"`);
  const copy = '{time: time, id: event_id, file: filename, row: file_row_number}';
  await execute(
    connection,
    `CREATE OR REPLACE TABLE acted AS
     SELECT request_id AS acted, min(${copy}) AS first, bool_or(isNew) AS isNew FROM ${answersIn(request)}
     WHERE request_id IN (SELECT request_id FROM reactions) GROUP BY request_id`,
    doing,
  );
  await execute(
    connection,
    `CREATE OR REPLACE TABLE seen AS
     SELECT request_id, item.item_id AS item_id, any_value(unit) AS unit, any_value(time) AS time,
       min(CASE WHEN own IS NULL THEN shared ELSE ${requestValue(field, 'own')} END) AS token
     FROM (
       SELECT *, coalesce(by_field, json_extract(item."values", ${path})) AS own FROM (
         SELECT request_id, unit, time, ${requestValue(field, `json_extract("values", ${path})`)} AS shared, unnest(items) AS item,
           unnest(json_extract(json_extract(item_values, ${path}), '$[*]')[:shown]) AS by_field
         FROM ${answersIn(request)} JOIN acted ON request_id = acted AND first = ${copy}
         WHERE unit IS NOT NULL))
     WHERE (request_id, item.item_id) IN (SELECT (request_id, item_id) FROM reactions)
     GROUP BY request_id, item.item_id`,
    doing,
  );
}

async function createEntries(
  connection: Connection,
  { type, atLeast, index }: JoinHistory,
  { sequences, config }: JoinPlan,
): Promise<void> {
  const doing = 'collecting what units did before';
  const counts = `r.type = ${literal(type)}${atLeast === undefined ? '' : ` AND r.value >= ${atLeast}`}`;
  // An interaction with a clock before that of its answer came with the answer.
  await execute(
    connection,
    `CREATE OR REPLACE TABLE entries AS
     SELECT *, row_number() OVER (ORDER BY since, request_id, item_id, until)::INTEGER AS n FROM (
       SELECT s.unit, s.token, r.request_id, r.item_id, min(greatest(r.time, s.time)) AS since, c.time AS until
       FROM (SELECT * FROM reactions AS r WHERE kind = 'interaction' AND ${counts}) AS r
       JOIN seen AS s ON r.request_id = s.request_id AND r.item_id = s.item_id
       ASOF LEFT JOIN (SELECT * FROM reactions WHERE kind = 'correction') AS c
         ON r.request_id = c.request_id AND r.item_id = c.item_id AND r.type = c.type AND r.time <= c.time
       WHERE r.time >= s.time - ${config.skew} GROUP BY ALL)`,
    doing,
  );
  const inOrder = 'PARTITION BY unit ORDER BY n';
  // Of the entries of one time only the last one's list holds them all.
  await execute(
    connection,
    `CREATE OR REPLACE TABLE kept${index} AS SELECT unit, since AS time, items FROM (
       SELECT unit, since, lead(since) OVER (${inOrder}) AS next,
         list({n: n, token: token}) OVER (${inOrder} ROWS BETWEEN ${lengthOf(sequences) - 1} PRECEDING AND CURRENT ROW) AS items
       FROM entries WHERE until IS NULL)
     WHERE next IS DISTINCT FROM since`,
    doing,
  );
  await execute(
    connection,
    `CREATE OR REPLACE TABLE undone${index} AS SELECT unit, n, token, since, until FROM entries WHERE until > since`,
    doing,
  );
}

const lengthOf = (sequences: JoinPlan['sequences']): number => sequences?.length ?? 0;

/** Dates of answers to units that did something new before, or of which a new answer says what they did. */
async function changedDays(connection: Connection, request: HistoryRequest): Promise<string[]> {
  const doing = 'looking for the answers before which something is new';
  await execute(
    connection,
    `CREATE OR REPLACE TABLE changed AS
     SELECT unit, min(r.time) AS since
     FROM ${answersIn(request)} AS a JOIN acted ON a.request_id = acted JOIN reactions AS r ON r.request_id = acted
     WHERE unit IS NOT NULL AND (r.isNew OR acted.isNew) GROUP BY unit`,
    doing,
  );
  const days = await query(
    connection,
    `SELECT DISTINCT time // ${DAY_MS} AS day FROM ${answersIn(request)} AS a JOIN changed USING (unit) WHERE time > since`,
    doing,
  );
  return days.map(({ day }) => dateOf(Number(day) * DAY_MS));
}

/** Creates `filled` for the answers of the view `impressions`: `of_request` and, for type k, `filled<k>`, tokens. */
export async function fillSequences(connection: Connection, { history, sequences }: JoinPlan): Promise<void> {
  if (history.length === 0) return;
  const doing = 'filling sequences';
  for (const { index } of history)
    await execute(
      connection,
      `CREATE OR REPLACE TABLE alive${index} AS
       SELECT request_id, list({n: n, token: token} ORDER BY n)[-${lengthOf(sequences)}:] AS items
       FROM impressions AS i JOIN undone${index} AS u ON i.unit = u.unit AND i.time > u.since AND i.time <= u.until
       GROUP BY request_id`,
      doing,
    );
  const columns = history.map(({ index }) => {
    const both = `list_concat(coalesce(k${index}.items, []), coalesce(a${index}.items, []))`;
    return `list_transform(list_sort(${both})[-${lengthOf(sequences)}:], lambda item: item.token) AS filled${index}`;
  });
  const joins = history.map(
    ({ index }) =>
      ` ASOF LEFT JOIN kept${index} AS k${index} ON i.unit = k${index}.unit AND i.time > k${index}.time` +
      ` LEFT JOIN alive${index} AS a${index} ON i.request_id = a${index}.request_id`,
  );
  await execute(
    connection,
    `CREATE OR REPLACE TABLE filled AS SELECT i.request_id AS of_request, ${columns.join(', ')}
     FROM (SELECT request_id, unit, time FROM impressions WHERE unit IS NOT NULL) AS i${joins.join('')}`,
    doing,
  );
}
