/** SQL over lines of both layouts, `event/1` and `event/2`, whose properties are columns. */

/** Of `items`, which are the type of `unshown`, too: `event/1` has `item_id`, `position` and `values`, `event/2` has `id`. */
export const ITEMS =
  'STRUCT(item_id VARCHAR, id VARCHAR, "position" INTEGER, score DOUBLE, probabilities JSON, ' +
  'propensity STRUCT(marginal DOUBLE, log_prefix DOUBLE), team VARCHAR, shadow_score DOUBLE, "values" JSON)[]';

/** Is a line of a later version? */
export const IS_LATER = "schema NOT IN ('event/1', 'event/2') AND regexp_full_match(schema, 'event/[0-9]+')";

/** Is it an impression, an interaction or a correction with all that it needs? */
export const IS_WHOLE = `event_id IS NOT NULL AND time IS NOT NULL AND request_id IS NOT NULL AND (
    (kind = 'impression' AND scenario IS NOT NULL AND model IS NOT NULL AND items IS NOT NULL
      AND (schema = 'event/1' OR (schema = 'event/2' AND len(list_filter(items, lambda item: item.id IS NULL)) = 0)))
    OR (schema = 'event/1' AND kind IN ('interaction', 'correction') AND item_id IS NOT NULL AND type IS NOT NULL))`;

/** Items that were shown, as they are in the line. */
export const SHOWN = `CASE WHEN schema = 'event/2' THEN items
  ELSE list_filter(items, lambda item: item."position" IS NOT NULL AND item.item_id IS NOT NULL) END`;

/**
 * A struct of one item of a list, both layouts alike.
 *
 * @param item of the list
 * @param position its place there, from 1 on; NULL of an item of `event/2` that was not shown
 * @param rest more properties, each behind a comma
 */
export const itemSql = (item: string, position: string, rest = ''): string =>
  `{item_id: coalesce(${item}.item_id, ${item}.id), "position": coalesce(${item}."position", ${position})::INTEGER, score: ${item}.score,
    team: ${item}.team, shadow_score: ${item}.shadow_score${rest}}`;

/** Columns that all events have, and those of answers that say who and where. */
export const HEAD_COLUMNS = {
  schema: 'VARCHAR',
  event_id: 'VARCHAR',
  kind: 'VARCHAR',
  time: 'BIGINT',
  request_id: 'VARCHAR',
  scenario: 'VARCHAR',
  unit: 'VARCHAR',
  model: 'VARCHAR',
};

/** Columns of reactions to an item. */
export const REACTION_COLUMNS = {
  item_id: 'VARCHAR',
  type: 'VARCHAR',
  value: 'DOUBLE',
};

/** An event has at most this many bytes: about 10,000 candidates of 1 kB and more. */
export const MOST_EVENT_BYTES = 32 * 2 ** 20;
