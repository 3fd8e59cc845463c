/** The event of an answered request. */
import { randomUUID } from 'node:crypto';
import type { EventsConfig } from '../../config/events.ts';
import { EVENT_SCHEMA, type Impression, type ImpressionItem } from '../../events/event.ts';
import type { Item, Values } from '../ranker/contract.ts';
import type { Ranking } from '../ranker/ranker.ts';

export interface ImpressionRules {
  /** Which values are kept. */
  fields: EventsConfig['fields'];
  /** Best candidates beyond those shown that are kept. */
  unshown: number;
  /** The field of the unit. */
  unit?: string;
  /** Makes of the unit's value what is kept; the value itself is not kept then. */
  hashUnit?: (value: string) => string;
}

/**
 * @param time milliseconds since 1970
 * @param known fields of the model
 */
export function impressionOf(
  ranking: Ranking,
  time: number,
  known: ReadonlySet<string>,
  rules: ImpressionRules,
): Impression {
  const { response, request, order, scoreHash, fromTables, experiments } = ranking;
  const { user = {}, context = {}, scenario } = request;
  const isKept = keeper(known, rules);
  const keepsValues = rules.fields !== 'none';
  const own = keepsValues ? itemValues(isKept, known.has('id')) : undefined;
  const valuesOf =
    own && ((index: number) => ({ ...kept(fromTables?.ofItem(index) ?? {}, isKept), ...own(request.items[index]) }));
  const items = order.items
    .slice(0, order.shown + rules.unshown)
    .map((index, position) => itemOf(ranking, index, position, valuesOf));
  const sequences = keepsValues && isListed('sequences', rules.fields) ? user.sequences : undefined;
  return {
    schema: EVENT_SCHEMA,
    event_id: randomUUID(),
    kind: 'impression',
    time,
    request_id: response.request_id,
    scenario,
    unit: unitOf(user, context, rules),
    model: response.model,
    score_hash: scoreHash,
    ...(experiments && { experiments }),
    took_ms: response.took_ms,
    policy: order.policy,
    candidates: request.items.length,
    items,
    ...(keepsValues && { values: kept({ ...fromTables?.shared(), ...user, ...context }, isKept) }),
    ...(sequences !== undefined && { sequences: sequences as Impression['sequences'] }),
  };
}

function itemOf(
  { scored, order, shadowScores }: Ranking,
  index: number,
  position: number,
  valuesOf: ((index: number) => LoggedValues) | undefined,
): ImpressionItem {
  const { id, score, probabilities } = scored[index];
  const item: ImpressionItem = {
    item_id: String(id),
    position: position < order.shown ? position + 1 : null,
    score,
    probabilities,
  };
  const propensity = order.propensities?.[position];
  if (propensity !== undefined) item.propensity = propensity;
  const team = order.teams?.[position];
  if (team !== undefined) item.team = team;
  if (shadowScores !== undefined) item.shadow_score = shadowScores[index];
  if (valuesOf !== undefined) item.values = valuesOf(index);
  return item;
}

/** The id of an item is never the value of a field called so: that one is in `fields`. */
function itemValues(isKept: IsKept, hasIdField: boolean): (item: Item) => LoggedValues {
  if (!hasIdField) return (item) => kept(item, isKept);
  const isOwn: IsKept = (name) => name !== 'id' && name !== 'fields' && isKept(name);
  return (item) => ({ ...kept(item, isOwn), ...kept((item.fields ?? {}) as Values, isKept) });
}

const isListed = (name: string, fields: EventsConfig['fields']): boolean => fields === 'all' || fields.includes(name);

type IsKept = (name: string) => boolean;
type LoggedValues = NonNullable<Impression['values']>;

/** The values that are kept. They have been checked: scalars and lists of scalars. */
function kept(values: Values, isKept: IsKept): LoggedValues {
  const found: LoggedValues = {};
  for (const name in values) if (isKept(name)) found[name] = values[name] as LoggedValues[string];
  return found;
}

function keeper(known: ReadonlySet<string>, { fields, unit, hashUnit }: ImpressionRules): IsKept {
  const listed = Array.isArray(fields) ? new Set(fields) : undefined;
  const hidden = hashUnit === undefined ? undefined : unit;
  return (name) => known.has(name) && name !== hidden && (listed === undefined || listed.has(name));
}

function unitOf(user: Values, context: Values, { unit, hashUnit = (value) => value }: ImpressionRules): string | null {
  if (unit === undefined) return null;
  const value = Object.hasOwn(context, unit) ? context[unit] : user[unit];
  return value === undefined || value === null ? null : hashUnit(String(value));
}
