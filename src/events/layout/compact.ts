/**
 * Impressions as services write them. Their items are the text of the answer as it was sent, so that no number becomes text twice. Values of
 * items stand by field (`event/2`), or are the items of the request as they came (`event/3`), so that no value does. Readers get the same
 * impressions as from lines of `event/1`.
 */
import { z } from 'zod';
import { EVENT_SCHEMA, type Impression, impressionSchema, itemSchema, valueSchema, valuesSchema } from '../event.ts';

/** Versions of these lines. All other kinds of events have `EVENT_SCHEMA`. */
export const COMPACT_SCHEMA = 'event/2';
export const SENT_SCHEMA = 'event/3';

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

export const sentSchema = compactSchema.omit({ schema: true, item_values: true }).extend({
  schema: z.literal(SENT_SCHEMA),
  /** Items of the request, each with its `id` and its values. */
  sent: z.array(valuesSchema),
  /** Of `items`, then of `unshown`: place in `sent`, from 0 on. */
  order: z.array(z.int().min(0)),
});

export type CompactImpression = z.output<typeof compactSchema>;
export type SentImpression = z.output<typeof sentSchema>;
export type AnsweredItem = z.output<typeof answeredSchema>;
export type ItemValues = NonNullable<CompactImpression['item_values']>;

export function impressionOf(line: CompactImpression | SentImpression): Impression {
  if (line.schema === SENT_SCHEMA) {
    const { sent, order, ...others } = line;
    return plain(others, (item) => withoutId(sent[order[item]]));
  }
  const { item_values, ...others } = line;
  return plain(others, readerOf(item_values));
}

type Others = Omit<CompactImpression, 'schema' | 'item_values'> & { schema: string };

function plain(
  { items, unshown = [], ...header }: Others,
  valuesOf: ((item: number) => Values) | undefined,
): Impression {
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

const withoutId = ({ id: _, ...values }: Values = {}): Values => values;

function readerOf(values: ItemValues | undefined): ((item: number) => Values) | undefined {
  if (values === undefined) return undefined;
  if (Array.isArray(values)) return (item) => values[item] ?? {};
  const columns = Object.entries(values);
  return (item) => Object.fromEntries(columns.map(([name, column]) => [name, column[item] ?? null]));
}
