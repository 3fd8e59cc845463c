/**
 * The file of a table: the length of a header, the header (JSON), then typed arrays at multiples of 8 bytes. It is read in one
 * piece, and its arrays are used as they are, so that a service that takes over a table of a million rows does not stop.
 */
import { open, rename } from 'node:fs/promises';
import type { Texts } from './keys.ts';
import { type FeatureTable, type FieldColumn, type Kind, rowsOf, type TableColumns, tableOf } from './table.ts';

/** Place of an array in the file: bytes from the start, and elements. */
interface Part {
  at: number;
  length: number;
}

interface Header {
  rows: number;
  ids: { bytes: Part; ends: Part };
  slots: Part;
  fields: { name: string; kind: Kind; places: Part; values: Part; ends?: Part }[];
}

type Numbers = Uint8Array | Uint32Array | Int32Array | Float64Array;

/** Bytes of the file of a table but for the header. */
export const bytesOf = (columns: TableColumns): number =>
  arraysOf(columns).reduce((sum, { byteLength }) => sum + rounded(byteLength), 0);

/** All arrays of a table, in the order of the file. */
const arraysOf = ({ ids, slots, fields }: TableColumns): Numbers[] => [
  ids.bytes,
  ids.ends,
  slots,
  ...fields.flatMap(({ places, values }): Numbers[] =>
    values instanceof Float64Array ? [places, values] : [places, values.bytes, values.ends],
  ),
];

const rounded = (bytes: number): number => Math.ceil(bytes / 8) * 8;

/** Bytes written or read at once. */
const PIECE = 2 ** 30;

/** Writes a table; the file appears as a whole. It is a cache of this service: after a power cut nobody reads it. */
export async function writeTable(path: string, columns: TableColumns): Promise<void> {
  const arrays = arraysOf(columns);
  const header = headerOf(columns);
  const file = await open(`${path}.tmp`, 'w');
  try {
    const start = Buffer.alloc(8);
    start.writeDoubleLE(header.length);
    for (const bytes of [start, header, ...arrays.map(padded)])
      for (let at = 0; at < bytes.length; at += PIECE) await file.writeFile(bytes.subarray(at, at + PIECE));
  } finally {
    await file.close();
  }
  await rename(`${path}.tmp`, path);
}

/** The header as it is written, a multiple of 8 bytes; places count from its end. */
function headerOf(columns: TableColumns): Buffer {
  let at = 0;
  const part = ({ byteLength, length }: Numbers): Part => {
    const place = { at, length };
    at += rounded(byteLength);
    return place;
  };
  const header: Header = {
    rows: rowsOf(columns),
    ids: { bytes: part(columns.ids.bytes), ends: part(columns.ids.ends) },
    slots: part(columns.slots),
    fields: columns.fields.map(({ name, kind, places, values }) => ({
      name,
      kind,
      places: part(places),
      ...(values instanceof Float64Array
        ? { values: part(values) }
        : { values: part(values.bytes), ends: part(values.ends) }),
    })),
  };
  const text = JSON.stringify(header);
  return Buffer.from(text + ' '.repeat(rounded(Buffer.byteLength(text)) - Buffer.byteLength(text)));
}

function padded(array: Numbers): Uint8Array {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  if (bytes.length % 8 === 0) return bytes;
  const whole = new Uint8Array(rounded(bytes.length));
  whole.set(bytes);
  return whole;
}

/** Reads a table without blocking this thread. */
export async function readTable(path: string): Promise<FeatureTable> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const all = new Uint8Array(new ArrayBuffer(size));
    for (let at = 0; at < size; ) {
      const { bytesRead } = await file.read(all, at, Math.min(PIECE, size - at), at);
      if (bytesRead === 0) throw new Error(`${path} is shorter than it was`);
      at += bytesRead;
    }
    return tableOf(columnsOf(all), size);
  } finally {
    await file.close();
  }
}

function columnsOf(all: Uint8Array): TableColumns {
  const { buffer } = all;
  const first = 8 + new DataView(buffer as ArrayBuffer).getFloat64(0, true);
  const header = JSON.parse(Buffer.from(buffer, 8, first - 8).toString()) as Header;
  const bytes = ({ at, length }: Part): Uint8Array => new Uint8Array(buffer, first + at, length);
  const places = ({ at, length }: Part): Uint32Array => new Uint32Array(buffer, first + at, length);
  const texts = (values: Part, ends: Part): Texts => ({ bytes: bytes(values), ends: places(ends) });
  return {
    ids: texts(header.ids.bytes, header.ids.ends),
    slots: new Int32Array(buffer, first + header.slots.at, header.slots.length),
    fields: header.fields.map(
      ({ name, kind, places: own, values, ends }): FieldColumn => ({
        name,
        kind,
        places: places(own),
        values: ends === undefined ? new Float64Array(buffer, first + values.at, values.length) : texts(values, ends),
      }),
    ),
  };
}
