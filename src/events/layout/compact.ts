/**
 * Impressions as services write them. Their items are the text of the answer as it was sent, so that no number becomes text twice, and
 * values of items stand by field. Readers get the same impressions as from lines of `event/1`.
 */
import { z } from 'zod';
import { EVENT_SCHEMA, type Impression, impressionSchema, itemSchema, valueSchema, valuesSchema } from '../event.ts';

/** Version of these lines. All other kinds of events have `EVENT_SCHEMA`. */
export const COMPACT_SCHEMA = 'event/2';

const answeredSchema = itemSchema
  .omit({ item_id: true, position: true, values: true })
  .extend({ id: z.union([itemSchema.shape.item_id, z.number()]) });

export const compactSchema = impressionSchema.omit({ schema: true, items: true }).extend({
  schema: z.literal(COMPACT_SCHEMA),
  /** Those shown, from the first position on. */
  items: z.array(answeredSchema),
  /** The best of the others, as many as are kept. */
  unshown: z.array(answeredSchema).optional(),
  /** Values of `items`, then of `unshown`: by field where all have the same fields, else by item. */
  item_values: z.union([z.record(z.string(), z.array(valueSchema)), z.array(valuesSchema)]).optional(),
});

export type CompactImpression = z.output<typeof compactSchema>;
export type AnsweredItem = z.output<typeof answeredSchema>;
export type ItemValues = NonNullable<CompactImpression['item_values']>;

export function impressionOf({ items, unshown = [], item_values, ...header }: CompactImpression): Impression {
  const valuesOf = readerOf(item_values);
  return {
    ...header,
    schema: EVENT_SCHEMA,
    items: [...items, ...unshown].map(({ id, ...item }, i) => ({
      item_id: String(id),
      position: i < items.length ? i + 1 : null,
      ...item,
      ...(valuesOf && { values: valuesOf(i) }),
    })),
  };
}

type Values = z.output<typeof valuesSchema>;

function readerOf(values: ItemValues | undefined): ((item: number) => Values) | undefined {
  if (values === undefined) return undefined;
  if (Array.isArray(values)) return (item) => values[item] ?? {};
  const columns = Object.entries(values);
  return (item) => Object.fromEntries(columns.map(([name, column]) => [name, column[item] ?? null]));
}
