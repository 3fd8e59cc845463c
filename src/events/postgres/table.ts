/**
 * The table of events, and its SQL.
 *
 * Positions come from a sequence, and transactions may commit in another order than they took their positions. A reader that had
 * seen position 8 would then miss 7. So writers hold a lock together (shared) while they take positions and commit; a reader that
 * gets it alone, for a moment, knows that all positions given so far are decided.
 */
import type { EventLine } from '../line.ts';

/** Of advisory locks, so that those of other programs differ. */
const LOCKS = 0x7472_6962;

/** @param table as in the configuration: its schema allows names alone that need no quotes */
export const sqlOf = (table: string) => {
  const lock = `${LOCKS}, hashint8('${table}'::regclass::oid::bigint)`;
  return {
    exists: `SELECT to_regclass('${table}') IS NOT NULL AS found`,

    /** Several processes may start at once. */
    create: `
      BEGIN;
      SELECT pg_advisory_xact_lock(${LOCKS}, 0);
      CREATE TABLE IF NOT EXISTS ${table} (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event_id text NOT NULL UNIQUE,
        kind text NOT NULL,
        time bigint NOT NULL,
        request_id text,
        unit text,
        event json NOT NULL
      );
      COMMIT`,

    /** Texts of events have no line break, so one parameter holds all of them: escaping each in an array would cost more. */
    insert: `
      WITH writing AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(${lock}))
      INSERT INTO ${table} (event_id, kind, time, request_id, unit, event)
      SELECT n.event_id, n.kind, n.time, n.request_id, n.unit, n.event::json
      FROM writing, unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], string_to_array($6::text, E'\\n'))
        AS n (event_id, kind, time, request_id, unit, event)
      ON CONFLICT (event_id) DO NOTHING`,

    /** Waits for the writers of this moment; released with the transaction. */
    settle: `SELECT pg_advisory_xact_lock(${lock})`,
    last: `SELECT coalesce(max(position), 0)::text AS last FROM ${table}`,
    read: `
      SELECT position::text AS at, event::text FROM ${table}
      WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3`,

    forget: `
      WITH own AS (SELECT request_id FROM ${table} WHERE kind = 'impression' AND unit = $1)
      DELETE FROM ${table}
      WHERE CASE WHEN kind = 'impression' THEN unit = $1 ELSE request_id IN (SELECT request_id FROM own) END`,

    prune: `DELETE FROM ${table} WHERE time < $1`,
  };
};

/** Parameters of `insert`. */
export const rowsOf = (lines: readonly EventLine[]): unknown[] => [
  lines.map(({ event_id }) => storable(event_id)),
  lines.map(({ kind }) => kind),
  lines.map(({ time }) => time),
  lines.map(({ request_id }) => request_id && storable(request_id)),
  lines.map(({ unit }) => unit && storable(unit)),
  Buffer.concat(lines.map(({ bytes }) => bytes)).subarray(0, -1), // without the last line break
];

/** Texts of clients, which may hold what PostgreSQL refuses: one such id would stop all logging. */
export const storable = (text: string): string => (text.includes('\0') ? JSON.stringify(text) : text);
