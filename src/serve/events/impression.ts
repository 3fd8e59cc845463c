/** The event of an answered request. */
import { randomUUID } from 'node:crypto';
import type { EventsConfig } from '../../config/events.ts';
import type { Impression } from '../../events/event.ts';
import {
  type AnsweredItem,
  COMPACT_SCHEMA,
  type CompactImpression,
  type ItemValues,
  SENT_SCHEMA,
  type SentImpression,
} from '../../events/layout/compact.ts';
import { type EventLine, lineOfParts } from '../../events/line.ts';
import type { SentItems } from '../http/sent-items.ts';
import { jsonParts } from '../ranker/answer-text.ts';
import type { Item, Values } from '../ranker/contract.ts';
import type { Ranking } from '../ranker/ranker-contract.ts';

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

interface Answered {
  ranking: Ranking;
  /** Milliseconds since 1970. */
  time: number;
  /** Items of the request as they came. */
  sent?: SentItems;
}

/**
 * The line of an answer: what `SentImpression` describes where the items of the request may stay as they came, else `CompactImpression`, as
 * text.
 *
 * @param known fields of the model
 */
export function impressionLine(
  { ranking, time, sent }: Answered,
  known: ReadonlySet<string>,
  rules: ImpressionRules,
): EventLine {
  const { response, request, order, scoreHash, fromTables, experiments } = ranking;
  const { user = {}, context = {}, scenario } = request;
  const isKept = keeper(known, rules);
  const keepsValues = rules.fields !== 'none';
  const sequences = keepsValues && isListed('sequences', rules.fields) ? user.sequences : undefined;
  const logged = order.items.slice(0, order.shown + rules.unshown);
  const unshown = logged.slice(order.shown);
  const isSent =
    sent !== undefined &&
    keepsValues &&
    !known.has('id') &&
    logged.length === request.items.length &&
    staysAsSent(ranking, sent, isKept);
  const header = {
    schema: isSent ? SENT_SCHEMA : COMPACT_SCHEMA,
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
    ...(keepsValues && { values: kept({ ...fromTables?.shared(), ...user, ...context }, isKept) }),
    ...(sequences !== undefined && { sequences: sequences as Impression['sequences'] }),
  } satisfies Partial<Omit<CompactImpression, 'schema'>> & { schema: string };
  const items = shownItems(ranking);
  const others = {
    ...(unshown.length > 0 && { unshown: unshown.map((index, i) => itemOf(ranking, index, order.shown + i)) }),
  } satisfies Partial<CompactImpression>;
  if (isSent) {
    const ordered = { ...others, order: logged } satisfies Partial<SentImpression>;
    return lineOfParts(header, [...jsonParts(header, 'items', items, ordered, ',"sent":'), sent.bytes, '}']);
  }
  const withValues = {
    ...others,
    ...(keepsValues && { item_values: valuesOfItems(ranking, logged.length, isKept, known.has('id')) }),
  } satisfies Partial<CompactImpression>;
  return lineOfParts(header, jsonParts(header, 'items', items, withValues));
}

/**
 * Do the items of the request hold what is kept of them, and nothing else? Not where an item has a name twice: readers differ in which one
 * they take.
 */
function staysAsSent({ request: { items }, fromTables }: Ranking, sent: SentItems, isKept: IsKept): boolean {
  const names = namesOfAll(items);
  return (
    fromTables === undefined &&
    names !== undefined &&
    sent.names === names.length * items.length &&
    names.every((name) => name === 'id' || isKept(name))
  );
}

/** Names of the first one, if all others have the same in the same order. */
function namesOfAll(items: readonly Values[]): string[] | undefined {
  const names = Object.keys(items[0]);
  for (const values of items) {
    let count = 0;
    for (const name in values) if (name !== names[count++]) return undefined;
    if (count !== names.length) return undefined;
  }
  return names;
}

/** Of items that were shown: of most answers the text that was sent. */
function shownItems(ranking: Ranking): string {
  const { response, request, order, scored, shadowScores, itemsText } = ranking;
  const isAnswered =
    itemsText !== undefined &&
    request.explain !== true &&
    order.propensities === undefined &&
    shadowScores === undefined &&
    response.items.length === order.shown &&
    response.items.every((item, position) => item === scored[order.items[position]]);
  if (isAnswered) return itemsText;
  return JSON.stringify(order.items.slice(0, order.shown).map((index, position) => itemOf(ranking, index, position)));
}

function itemOf({ scored, order, shadowScores }: Ranking, index: number, position: number): AnsweredItem {
  const { id, score, probabilities } = scored[index];
  const propensity = order.propensities?.[position];
  const team = order.teams?.[position];
  return {
    id,
    score,
    probabilities,
    ...(propensity && { propensity }),
    ...(team !== undefined && { team }),
    ...(shadowScores && { shadow_score: shadowScores[index] }),
  };
}

/** Values of the first `count` items in their order. */
function valuesOfItems(
  { order, request, fromTables }: Ranking,
  count: number,
  isKept: IsKept,
  hasIdField: boolean,
): ItemValues {
  const own = itemValues(isKept, hasIdField);
  const valuesOf = (index: number): Values => {
    const item = request.items[index];
    if (fromTables !== undefined) return { ...kept(fromTables.ofItem(index), isKept), ...own(item) };
    return hasIdField ? own(item) : item; // what is not kept of it is left out with its whole column
  };
  const items = order.items.slice(0, count).map(valuesOf);
  return byField(items, isKept) ?? items.map((values) => kept(values, isKept));
}

/** By name the values of all items; undefined where these have other names, or in another order. */
function byField(items: readonly Values[], isKept: IsKept): ItemValues | undefined {
  const names = namesOfAll(items)?.filter(isKept);
  return names && (Object.fromEntries(names.map((name) => [name, items.map((values) => values[name])])) as ItemValues);
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
