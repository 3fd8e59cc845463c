/** Impressions as lines of event/2, written from what they mean. */
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

type Values = NonNullable<Impression['values']>;

function byField(values: readonly Values[]): Record<string, unknown[]> | undefined {
  const namesOf = (all: Values): string => JSON.stringify(Object.keys(all).sort());
  if (values.some((all) => namesOf(all) !== namesOf(values[0]))) return undefined;
  return Object.fromEntries(Object.keys(values[0]).map((name) => [name, values.map((all) => all[name])]));
}
