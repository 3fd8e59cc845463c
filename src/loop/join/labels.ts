/**
 * Labels of the rows of a day. Of a row (an item that an answer showed at time t) and a task with the window w, the interactions of its
 * request, item and type count:
 *
 *   open       the window is not over (asOf < t + w), so the label is not known, whatever came until now: to use the early
 *              positives alone would teach a model that recent rows are positive
 *   positive   one in [t - skew, t + w) that no correction took back
 *   late       none of these, but one at t + w or after
 *   revoked    those in the window were all taken back
 *   negative   else
 *
 * A correction takes back what came before it or at its time. A row's label depends on the events up to asOf alone, in whatever
 * order, chunks and copies they arrive.
 */
import { type Database, execute } from '../../data/sql/duckdb.ts';
import { literal } from '../../data/sql/text.ts';
import type { JoinPlan, JoinTask } from './plan.ts';

type Connection = Database['connection'];

/** Columns of the table `labels` of task number k. */
const IN_WINDOW = (k: number): string => `in${k}`;
const AFTER_WINDOW = (k: number): string => `late${k}`;
const TAKEN_BACK = (k: number): string => `gone${k}`;
export const FIRST_TIME = (k: number): string => `first${k}`;

/**
 * Creates, for the answers of the view `impressions`, the tables `touched` (rows that something was done to: `request_id`, `item_id`, `t`) and
 * `labels` (by `request_id` and `item_id`, what came within and after the window of each task), and `matched` (events that found a row).
 */
export async function createLabels(connection: Connection, { tasks, config }: JoinPlan): Promise<void> {
  const doing = 'joining what users did to the answers';
  await execute(
    connection,
    `CREATE OR REPLACE TABLE touched AS
     SELECT request_id, t, item.item_id AS item_id FROM (
       SELECT request_id, time AS t, unnest(items) AS item FROM impressions
       WHERE request_id IN (SELECT request_id FROM reactions))`,
    doing,
  );
  // An item that an answer shows twice has two rows, and one label.
  await execute(
    connection,
    `CREATE OR REPLACE TABLE matched AS
     SELECT r.event_id, r.kind, r.type, r.value, r.time, t.request_id, t.item_id, t.t
     FROM reactions AS r JOIN (SELECT DISTINCT request_id, item_id, t FROM touched) AS t
       ON r.request_id = t.request_id AND r.item_id = t.item_id`,
    doing,
  );
  const windows = tasks.map((task, k) => taskColumns(task, k, config.skew));
  await execute(
    connection,
    `CREATE OR REPLACE TABLE labels AS
     SELECT m.request_id, m.item_id, ${windows.join(', ')}
     FROM matched AS m LEFT JOIN (
       SELECT request_id, item_id, type, max(time) AS until FROM matched WHERE kind = 'correction' GROUP BY ALL) AS c
       ON m.request_id = c.request_id AND m.item_id = c.item_id AND m.type = c.type
     WHERE m.kind = 'interaction' GROUP BY m.request_id, m.item_id`,
    doing,
  );
}

function taskColumns({ type, window, atLeast }: JoinTask, k: number, skew: number): string {
  const counts = `m.type = ${literal(type)}${atLeast === undefined ? '' : ` AND m.value >= ${atLeast}`}`;
  const within = `${counts} AND m.time >= m.t - ${skew} AND m.time < m.t + ${window}`;
  const after = `${counts} AND m.time >= m.t + ${window}`;
  const holds = '(c.until IS NULL OR m.time > c.until)';
  return [
    `coalesce(bool_or(${within} AND ${holds}), false) AS ${IN_WINDOW(k)}`,
    `coalesce(bool_or(${after} AND ${holds}), false) AS ${AFTER_WINDOW(k)}`,
    `coalesce(bool_or(${within}), false) AS ${TAKEN_BACK(k)}`,
    `min(m.time) FILTER ((${within} OR ${after}) AND ${holds}) AS ${FIRST_TIME(k)}`,
  ].join(', ');
}

/** SQL of the state of a row's label. `t`: SQL of the time of the answer; `labels`: the alias of the table, joined from the left. */
export const stateOf = ({ window }: JoinTask, k: number, { t, asOf }: { t: string; asOf: number }): string =>
  `CASE WHEN ${asOf} < ${t} + ${window} THEN 'open' WHEN l.${IN_WINDOW(k)} THEN 'positive' ` +
  `WHEN l.${AFTER_WINDOW(k)} THEN 'late' WHEN l.${TAKEN_BACK(k)} THEN 'revoked' ELSE 'negative' END`;

/** SQL of the label that a state means: 1, 0, or NULL. */
export const labelOf = (state: string, late: 'ignore' | 'revise'): string =>
  `CASE ${state} WHEN 'open' THEN NULL WHEN 'positive' THEN 1 WHEN 'late' THEN ${late === 'revise' ? 1 : 0} ELSE 0 END`;
