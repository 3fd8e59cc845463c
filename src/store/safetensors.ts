/**
 * The safetensors format: 8 bytes little-endian header length, a JSON header (name -> dtype, shape, offsets), then the
 * data of all tensors without gaps. https://github.com/huggingface/safetensors#format
 * We order data by decreasing element size, so every tensor of our files is aligned and can be read in place.
 */

import { createHash } from 'node:crypto';
import { error } from '../base/errors/index.ts';
import { streamFileAtomic, writeFileAtomic } from '../base/files.ts';
import { isRecord } from '../base/json.ts';
import {
  arraysOf,
  asBytes,
  type Dtype,
  FileTensor,
  OpenFile,
  PIECE_BYTES,
  type StoredTensor,
  slices,
  type TensorArray,
  type TensorParts,
  type TensorStream,
  type TensorView,
} from './tensors.ts';

export interface Safetensors {
  tensors: Map<string, StoredTensor>;
  metadata: Record<string, string>;
}

const BYTES: Record<Dtype, number> = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2 };
/** Of larger files, tensors of more than a piece stay in the file. */
const LARGE_FILE = 1 << 28;
/** The limit of the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;

/** Size and SHA-256 of a file, as recorded elsewhere. */
export interface FileStamp {
  bytes: number;
  sha256: string;
}

/**
 * Reads a file of any size. Of a large one, large tensors of 32-bit floats are a `FileTensor`, whose numbers are read when they are asked
 * for.
 *
 * @param recorded expected size and SHA-256; `advice` says what to do if they differ
 * @throws FILE_MISSING, FILE_UNREADABLE, CHECKSUM_MISMATCH, SAFETENSORS_INVALID
 */
export function readSafetensors(path: string, recorded?: FileStamp, advice?: string): Safetensors {
  const file = new OpenFile(path, 'a safetensors file');
  let stays = false;
  try {
    const read = readOpened(file, recorded, advice);
    stays = [...read.tensors.values()].some((tensor) => tensor instanceof FileTensor);
    return read;
  } finally {
    if (!stays) file.close();
  }
}

function readOpened(file: OpenFile, recorded?: FileStamp, advice?: string): Safetensors {
  const { path } = file;
  const whole = file.bytes <= LARGE_FILE ? file.read(0, file.bytes) : undefined;
  if (recorded !== undefined) {
    const hash = createHash('sha256');
    for (const piece of whole === undefined ? file.pieces(0, file.bytes) : [whole]) hash.update(piece);
    const found = hash.digest('hex');
    if (found !== recorded.sha256) throw error('CHECKSUM_MISMATCH', { path, expected: recorded.sha256, found, advice });
  }
  const invalid = (problem: string) => error('SAFETENSORS_INVALID', { path, problem });
  const bytes = (from: number, to: number): Uint8Array => whole?.subarray(from, to) ?? file.read(from, to);
  const { header, dataFrom } = readHeader(bytes, file.bytes, invalid);
  const { ranges, metadata } = checkHeader(header, file.bytes - dataFrom, invalid);
  const tensors = ranges.map(({ name, dtype, shape, from, to }): [string, StoredTensor] => {
    const isLarge = whole === undefined && dtype === 'F32' && to - from > PIECE_BYTES;
    if (isLarge) return [name, new FileTensor(file, dataFrom + from, shape)];
    return [name, view(dtype, shape, bytes(dataFrom + from, dataFrom + to))];
  });
  return { tensors: new Map(tensors), metadata };
}

/**
 * Writes a complete file or nothing, from the given arrays without a copy.
 *
 * @throws FILE_UNWRITABLE, DISK_FULL
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [string, TensorView | TensorParts]>,
  metadata: Record<string, string> = {},
): FileStamp {
  const parts = safetensorsParts(tensors, metadata);
  const hash = createHash('sha256');
  for (const part of parts) for (const slice of slices(part)) hash.update(slice);
  writeFileAtomic(path, ...parts);
  return { bytes: parts.reduce((sum, part) => sum + part.length, 0), sha256: hash.digest('hex') };
}

/**
 * Writes a complete file or nothing, of tensors of which some come piece by piece.
 *
 * @throws FILE_UNWRITABLE, DISK_FULL, and what their sources throw
 */
export async function streamSafetensors(path: string, tensors: NamedTensors): Promise<FileStamp> {
  const hash = createHash('sha256');
  let bytes = 0;
  await streamFileAtomic(path, counted(inFileOrder(tensors)));
  return { bytes, sha256: hash.digest('hex') };

  async function* counted(entries: Entry[]): AsyncGenerator<Uint8Array, void> {
    for await (const piece of bytesOf(entries)) {
      hash.update(piece);
      bytes += piece.length;
      yield piece;
    }
  }
}

/** Goes through the pieces of streams in the order in which `streamSafetensors` does, and writes nothing. */
export async function runThrough(tensors: NamedTensors): Promise<void> {
  for (const { tensor } of inFileOrder(tensors)) if ('pieces' in tensor) for await (const _ of tensor.pieces());
}

type NamedTensors = Iterable<readonly [string, TensorView | TensorParts | TensorStream]>;

/** The content of a file: its header, then views of the given arrays. */
function safetensorsParts(
  tensors: Iterable<readonly [string, TensorView | TensorParts]>,
  metadata: Record<string, string>,
): Uint8Array[] {
  const entries = inFileOrder(tensors);
  const arrays = entries.flatMap(({ tensor }) => arraysOf(tensor as TensorView | TensorParts));
  return [headerOf(entries, metadata), ...arrays.map(asBytes)];
}

async function* bytesOf(entries: Entry[]): AsyncGenerator<Uint8Array, void> {
  yield headerOf(entries, {});
  for (const { tensor } of entries)
    if ('pieces' in tensor) for await (const piece of tensor.pieces()) yield asBytes(piece);
    else for (const array of arraysOf(tensor)) yield* slices(asBytes(array));
}

interface Entry {
  name: string;
  tensor: TensorView | TensorParts | TensorStream;
  dtype: Dtype;
}

/** Tensors as they follow each other in a file. */
function inFileOrder(tensors: NamedTensors): Entry[] {
  const entries = [...tensors].map(([name, tensor]): Entry => {
    const dtype = 'pieces' in tensor ? tensor.dtype : dtypeOf(arraysOf(tensor)[0]);
    return { name, tensor, dtype };
  });
  return entries.sort((a, b) => BYTES[b.dtype] - BYTES[a.dtype] || (a.name < b.name ? -1 : 1));
}

function headerOf(entries: readonly Entry[], metadata: Record<string, string>): Uint8Array {
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  let offset = 0;
  for (const { name, tensor, dtype } of entries) {
    const { shape } = tensor;
    const length = 'pieces' in tensor ? product(shape) : arraysOf(tensor).reduce((sum, part) => sum + part.length, 0);
    if (product(shape) !== length) throw new Error(`tensor ${name}: shape [${shape}] does not have ${length} elements`);
    const bytes = length * BYTES[dtype];
    header.push([name, { dtype, shape, data_offsets: [offset, offset + bytes] }]);
    offset += bytes;
  }
  const object = Object.fromEntries(header);
  if (Object.keys(object).length !== header.length) throw new Error('two tensors have the same name');
  const text = Buffer.from(JSON.stringify(object));
  const padded = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, ' ');
  padded.writeBigUInt64LE(BigInt(padded.length - 8));
  text.copy(padded, 8);
  return padded;
}

/** The tensors and metadata of a header. `bytes`: size of the data. */
function checkHeader(
  header: Record<string, unknown>,
  bytes: number,
  invalid: Invalid,
): { ranges: Range[]; metadata: Record<string, string> } {
  const { __metadata__: metadata = {}, ...entries } = header;
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== 'string'))
    throw invalid('"__metadata__" must map names to texts');
  const ranges = Object.entries(entries).map(([name, entry]) => checkEntry(name, entry, invalid));
  checkCoverage(ranges, bytes, invalid);
  return { ranges, metadata: metadata as Record<string, string> };
}

type Invalid = (problem: string) => Error;
interface Range {
  name: string;
  dtype: Dtype;
  shape: number[];
  from: number;
  to: number;
}

/** The header, and where the data start. `size`: of the file, in bytes. */
function readHeader(
  bytes: (from: number, to: number) => Uint8Array,
  size: number,
  invalid: Invalid,
): { header: Record<string, unknown>; dataFrom: number } {
  if (size < 8) throw invalid(`it has ${size} bytes, a file has at least 8`);
  const start = bytes(0, 8);
  const length = Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES)
    throw invalid(`its header claims ${length} bytes, at most ${MAX_HEADER_BYTES} are allowed`);
  if (8 + length > size) throw invalid(`its header claims ${length} bytes, the file has ${size - 8} left`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes(8, 8 + length)));
  } catch (cause) {
    throw invalid(`its header is not JSON: ${(cause as Error).message}`);
  }
  if (!isRecord(header)) throw invalid('its header is not a JSON object');
  return { header, dataFrom: 8 + length };
}

function checkEntry(name: string, entry: unknown, invalid: Invalid): Range {
  if (!isRecord(entry)) throw invalid(`tensor "${name}" has no description`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES, dtype))
    throw invalid(`tensor "${name}" has type ${JSON.stringify(dtype)}, readable are ${Object.keys(BYTES).join(', ')}`);
  if (!isCounts(shape)) throw invalid(`tensor "${name}" has shape ${JSON.stringify(shape)}`);
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1])
    throw invalid(`tensor "${name}" has offsets ${JSON.stringify(offsets)}`);
  const [from, to] = offsets;
  const bytes = product(shape) * BYTES[dtype as Dtype];
  if (to - from !== bytes) throw invalid(`tensor "${name}" ${dtype} [${shape}] has ${to - from} bytes, needs ${bytes}`);
  return { name, dtype: dtype as Dtype, shape, from, to };
}

/** Every byte of the data belongs to exactly one tensor: no overlap, no gap, nothing missing, no rest. */
function checkCoverage(ranges: Range[], bytes: number, invalid: Invalid): void {
  let end = 0;
  for (const { name, from, to } of ranges.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    if (from < end) throw invalid(`tensor "${name}" overlaps the one before it`);
    if (from > end) throw invalid(`${from - end} bytes before tensor "${name}" belong to no tensor`);
    end = to;
  }
  if (end > bytes) throw invalid(`it was cut short: its tensors need ${end} bytes, it has ${bytes}`);
  if (end < bytes) throw invalid(`${bytes - end} bytes after the last tensor belong to no tensor`);
}

function view(dtype: Dtype, shape: number[], bytes: Uint8Array): StoredTensor {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % BYTES[dtype] === 0 ? bytes : bytes.slice();
  const length = byteLength / BYTES[dtype];
  const data = {
    F64: () => new Float64Array(buffer, byteOffset, length),
    I64: () => new BigInt64Array(buffer, byteOffset, length),
    F32: () => new Float32Array(buffer, byteOffset, length),
    I32: () => new Int32Array(buffer, byteOffset, length),
    F16: () => Float32Array.from(new Uint16Array(buffer, byteOffset, length), halfToFloat),
    BF16: () =>
      new Float32Array(Uint32Array.from(new Uint16Array(buffer, byteOffset, length), (bits) => bits << 16).buffer),
  }[dtype]();
  return { dtype, shape, data };
}

/** The value of an IEEE 754 half: 1 sign bit, 5 of exponent, 10 of fraction. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 1024;
  if (exponent === 0) return sign * fraction * 2 ** -14;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction) * 2 ** (exponent - 15);
}

function dtypeOf(data: TensorArray): Dtype {
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof Float64Array) return 'F64';
  return data instanceof Int32Array ? 'I32' : 'I64';
}

const product = (shape: readonly number[]): number => shape.reduce((p, n) => p * n, 1);
const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
