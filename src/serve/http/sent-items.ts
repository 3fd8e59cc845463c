/** Items of a request as their bytes came: a log keeps them without writing their values again. */
import type { BodyScan } from './scan.ts';

export interface SentItems {
  /** A JSON list without line breaks and escapes, with numbers as JSON.stringify writes them. */
  bytes: Uint8Array;
  /** Number of property names in it. An item that has one twice counts it twice. */
  names: number;
}

/** What is larger is written again: it may be spaces for the most part. */
const MOST_BYTES = 1 << 20;
const LINE_BREAKS = [10, 13];

/** Undefined where the log has to write them in another way than they came. */
export function sentItems(body: Buffer, { items, mayDiffer }: BodyScan): SentItems | undefined {
  if (items === undefined || mayDiffer || items.to - items.from > MOST_BYTES) return undefined;
  const bytes = body.subarray(items.from, items.to);
  return LINE_BREAKS.some((line) => bytes.includes(line)) ? undefined : { bytes, names: items.names };
}
