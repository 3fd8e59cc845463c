/** SQL over lines of all layouts, `event/1` to `event/3`, whose properties are columns. */

/** Of `items`, which are the type of `unshown`, too: `event/1` has `item_id`, `position` and `values`, the others have `id`. */
export const ITEMS =
  'STRUCT(item_id VARCHAR, id VARCHAR, "position" INTEGER, score DOUBLE, probabilities JSON, ' +
  'propensity STRUCT(marginal DOUBLE, log_prefix DOUBLE), team VARCHAR, shadow_score DOUBLE, "values" JSON)[]';

/** Is a line of a later version? */
export const IS_LATER = "schema NOT IN ('event/1', 'event/2', 'event/3') AND regexp_full_match(schema, 'event/[0-9]+')";

/** Is it an impression, an interaction or a correction with all that it needs? */
export const IS_WHOLE = `event_id IS NOT NULL AND time IS NOT NULL AND request_id IS NOT NULL AND (
    (kind = 'impression' AND scenario IS NOT NULL AND model IS NOT NULL AND items IS NOT NULL
      AND (schema = 'event/1' OR (schema IN ('event/2', 'event/3') AND len(list_filter(items, lambda item: item.id IS NULL)) = 0)))
    OR (schema = 'event/1' AND kind IN ('interaction', 'correction') AND item_id IS NOT NULL AND type IS NOT NULL))`;

/** Items that were shown, as they are in the line. */
export const SHOWN = `CASE WHEN schema = 'event/1'
  THEN list_filter(items, lambda item: item."position" IS NOT NULL AND item.item_id IS NOT NULL) ELSE items END`;

/** Columns of values of items, as JSON. */
export const VALUE_COLUMNS = { item_values: 'JSON', sent: 'JSON[]', order: 'BIGINT[]' };

/** A list with the values of each item of `items`, where they stand by item. The id of an item in a request is none of its values. */
export const OWN_VALUES = `CASE WHEN schema = 'event/3'
  THEN list_transform("order"[:len(items)], lambda place: json_merge_patch(sent[place + 1], '{"id": null}'))
  ELSE json_extract(item_values, '$[*]') END`;

/**
 * A struct of one item of a list, all layouts alike.
 *
 * @param item of the list
 * @param position its place there, from 1 on; NULL of an item that was not shown
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
