/** Impressions as lines of event/2 and event/3, written from what they mean. */
import type { Impression } from '../../src/events/event.ts';

/** Undefined where the positions of those shown are not 1, 2, 3 ..., which event/2 cannot say. */
export function compactOf({ items, ...header }: Impression): object | undefined {
  const shown = items.filter(({ position }) => position !== null).length;
  if (items.some(({ position }, i) => position !== (i < shown ? i + 1 : null))) return undefined;
  const rest = items.map(({ item_id, position: _, values: __, ...others }) => ({
    // As a number where the request may have given one.
    id: String(Number(item_id)) === item_id ? Number(item_id) : item_id,
    ...others,
  }));
  const values = items.map((item) => item.values);
  return {
    ...header,
    schema: 'event/2',
    items: rest.slice(0, shown),
    ...(shown < items.length && { unshown: rest.slice(shown) }),
    ...(values[0] !== undefined && { item_values: byField(values as Values[]) ?? values }),
  };
}

/** Undefined where event/3 cannot say it, or an item has no values. Items of the request come in another order than those of the answer. */
export function sentOf(impression: Impression): object | undefined {
  const compact = compactOf(impression);
  const { items } = impression;
  if (compact === undefined || items.some(({ values }) => values === undefined || 'id' in values)) return undefined;
  const { item_values: _, ...line } = compact as { item_values?: object; items: { id: unknown }[] };
  const sent = items.map(({ item_id, values }) => ({ id: item_id, ...values })).reverse();
  return { ...line, schema: 'event/3', order: items.map((__, i) => items.length - 1 - i), sent };
}

/** By turns a line of each schema that can say it. */
export function lineOfTurn(event: object, turn: number): string {
  const isImpression = 'kind' in event && event.kind === 'impression';
  const write = isImpression ? [compactOf, undefined, sentOf][turn % 3] : undefined;
  return JSON.stringify(write?.(event as Impression) ?? event);
}

type Values = NonNullable<Impression['values']>;

function byField(values: readonly Values[]): Record<string, unknown[]> | undefined {
  const namesOf = (all: Values): string => JSON.stringify(Object.keys(all).sort());
  if (values.some((all) => namesOf(all) !== namesOf(values[0]))) return undefined;
  return Object.fromEntries(Object.keys(values[0]).map((name) => [name, values.map((all) => all[name])]));
}
