/** What users did, of the whole log: each event once, and nothing that happened after the time of the join. */
import { join } from 'node:path';
import { DAY_MS, dateOf } from '../../base/times.ts';
import { type Database, execute, query, queryOne } from '../../data/sql/duckdb.ts';
import { filePath } from '../../data/sql/text.ts';
import { eventsFolder, type JoinState } from './state.ts';

type Connection = Database['connection'];

/** SQL that reads files of events. */
export const eventsIn = (out: string, names: readonly string[], options = ''): string =>
  `read_parquet([${names.map((name) => filePath(join(eventsFolder(out), name))).join(', ')}]${options})`;

export interface ReactionCounts {
  /** Different ones. */
  received: number;
  duplicates: number;
}

export interface Received {
  interaction: ReactionCounts;
  correction: ReactionCounts;
}

/** What an earlier join of these rows knew: the first files, up to a time. */
export interface Known {
  files: number;
  /** Milliseconds since 1970. */
  asOf: number;
}

/** SQL that is true for events of files known before that did not count then. */
export const isNewSql = ({ asOf }: Known): string => `time > ${asOf}`;

/**
 * Creates the table `reactions`: `event_id`, `kind`, `request_id`, `item_id`, `type`, `value`, `time` and `isNew`. Of events with one id the
 * earliest counts, whatever order they came in: a client that sends one again without a time gives it a later one.
 *
 * @param isNew SQL of a condition that is true for what an earlier join of these rows did not know
 */
export async function createReactions(
  connection: Connection,
  out: string,
  { files }: JoinState,
  { asOf, known }: { asOf: number; known: Known },
): Promise<Received> {
  const names = files.map(({ name }) => name);
  const part = (some: readonly string[], isNew: string): string[] =>
    some.length === 0
      ? []
      : [
          `SELECT kind, event_id, time, request_id, item_id, type, value, ${isNew} AS isNew FROM ${eventsIn(out, some)}
           WHERE kind IN ('interaction', 'correction') AND time <= ${asOf}`,
        ];
  const all = [...part(names.slice(0, known.files), isNewSql(known)), ...part(names.slice(known.files), 'true')];
  await execute(
    connection,
    `CREATE TABLE reactions AS
     SELECT event_id, first.kind AS kind, first.request_id AS request_id, first.item_id AS item_id, first.type AS type,
       first.value AS value, first.time AS time, isNew, copies
     FROM (
       SELECT event_id, bool_or(isNew) AS isNew, count(*) AS copies,
         min({time: time, kind: kind, request_id: request_id, item_id: item_id, type: type, value: value}) AS first
       FROM (${all.join(' UNION ALL ')}) GROUP BY event_id)`,
    'collecting what users did',
  );
  const counts = await query(
    connection,
    'SELECT kind, count(*) AS received, sum(copies) AS lines FROM reactions GROUP BY kind',
    'counting what users did',
  );
  const of = (kind: string): ReactionCounts => {
    const found = counts.find((row) => row.kind === kind);
    const received = Number(found?.received ?? 0);
    return { received, duplicates: Number(found?.lines ?? 0) - received };
  };
  return { interaction: of('interaction'), correction: of('correction') };
}

/** Dates of answers that something new was done to. */
export async function touchedDays(connection: Connection, out: string, { files }: JoinState): Promise<string[]> {
  const [{ news }] = await query(
    connection,
    'SELECT count(*) AS news FROM reactions WHERE isNew',
    'counting what is new',
  );
  if (Number(news) === 0) return [];
  const found = await query(
    connection,
    `SELECT DISTINCT time // ${DAY_MS} AS day FROM ${eventsIn(
      out,
      files.map(({ name }) => name),
    )}
     WHERE kind = 'impression' AND request_id IN (SELECT request_id FROM reactions WHERE isNew)`,
    'looking for the answers that something was done to',
  );
  return found.map(({ day }) => dateOf(Number(day) * DAY_MS));
}

/** Events later than a time. */
export async function countLater(
  connection: Connection,
  out: string,
  { files }: JoinState,
  time: number,
): Promise<number> {
  const { later } = await queryOne(
    connection,
    `SELECT count(*) AS later FROM ${eventsIn(
      out,
      files.map(({ name }) => name),
    )} WHERE time > ${time} AND kind IN ('impression', 'interaction', 'correction')`,
    'looking for events of the future',
  );
  return Number(later);
}
