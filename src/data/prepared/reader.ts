/**
 * Batches from a row file, in stored order or shuffled, with memory that does not grow with the rows.
 *
 * Shuffling: blocks of consecutive rows are put in a random order, a window is filled with many of them, the rows of
 * the window are put in a random order. The order depends on (seed, epoch) alone; a set that fits one window is
 * shuffled as a whole. While one window is read from, the next is loaded.
 */
import { close, open, read } from 'node:fs';
import { promisify } from 'node:util';
import { closable } from '../../base/disposal.ts';
import { error } from '../../base/errors/index.ts';
import { asReadError } from '../../base/files.ts';
import { random, shuffle } from '../../base/random.ts';
import { BLOCK_ROWS, type RowFile, verifyBlock } from './block-checksums.ts';
import type { Batch, BatchOptions, SplitReader } from './prepared.ts';
import type { RecordLayout } from './record.ts';
import { HEADER_BYTES } from './write-records.ts';

const WINDOW_ROWS = 1 << 17; // larger windows fall out of the cache and halve the speed
const WINDOW_BYTES = 32 << 20;

/** Sizes of blocks and windows; smaller ones only make sense in tests. */
export interface WindowSizes {
  blockRows: number;
  windowRows: number;
}

/**
 * Opens a row file of `rows` records.
 *
 * @param given a path, or a file with checksums: each block is verified when it is first read
 */
export async function openRowFile(
  given: string | RowFile,
  rows: number,
  layout: RecordLayout,
  sizes?: WindowSizes,
): Promise<SplitReader> {
  const { path } = typeof given === 'string' ? { path: given } : given;
  const file = await promisify(open)(path, 'r').catch((cause) => {
    throw asReadError(cause, path, 'the row file of a split');
  });
  const windowRows = Math.min(WINDOW_ROWS, Math.floor(WINDOW_BYTES / (layout.words * 4)));
  const verify = typeof given === 'string' ? () => {} : blockVerifier(given, rows);
  const source = { file, path, rows, layout, verify, ...(sizes ?? { blockRows: BLOCK_ROWS, windowRows }) };
  return {
    ...closable,
    rows,
    batches: (options) => readBatches(source, options),
    close: () => promisify(close)(file),
  };
}

/** What is compared once is not compared again: a pass over rows in memory is as fast as ever from the second one on. */
function blockVerifier(file: RowFile, rows: number): Source['verify'] {
  const verified = new Uint8Array(Math.ceil(rows / BLOCK_ROWS));
  return (block, bytes) => {
    if (verified[block] === 1) return;
    verifyBlock(bytes, file, block);
    verified[block] = 1;
  };
}

interface Source extends WindowSizes {
  /** Descriptor. */
  file: number;
  path: string;
  /** Throws where a block that was read is not what was written. */
  verify: (block: number, bytes: Uint8Array) => void;
  rows: number;
  layout: RecordLayout;
}

async function* readBatches(source: Source, options: BatchOptions): AsyncGenerator<Batch> {
  const { batchSize, shuffle: key, firstBatch = 0 } = options;
  const plan = planWindows(source, key);
  const batch = allocateBatch(batchSize, source.layout);
  // Two windows: one is read from while the other is filled.
  const windows = [allocateWindow(plan, source.layout), allocateWindow(plan, source.layout)];
  let [number, skip] = plan.locate(firstBatch * batchSize);
  let loading = number < plan.count ? loadWindow(source, plan, number, windows[number % 2]) : undefined;
  let filled = 0;
  try {
    for (; number < plan.count; number++, skip = 0) {
      const window = windows[number % 2];
      await loading;
      loading = number + 1 < plan.count ? loadWindow(source, plan, number + 1, windows[(number + 1) % 2]) : undefined;
      loading?.catch(() => {}); // it is awaited in the next round; until then its failure is not unhandled
      if (key !== undefined)
        shuffle(window.order.subarray(0, window.rows), random('shuffle rows', key.seed, key.epoch, number));
      for (let from = skip; from < window.rows; ) {
        const count = Math.min(batchSize - filled, window.rows - from);
        copyRows(window, from, count, batch, filled, source);
        filled += count;
        from += count;
        if (filled < batchSize) break;
        yield batch;
        filled = 0;
      }
    }
    if (filled > 0) yield shortBatch(batch, filled, source.layout);
  } finally {
    await loading?.catch(() => {}); // a consumer that stops early must not close the file under a read
  }
}

interface Plan extends WindowSizes {
  /** Blocks in reading order. */
  blocks: Int32Array;
  blocksPerWindow: number;
  /** Number of windows. */
  count: number;
  /** Rows in a block: all have `blockRows` but the last of the file. */
  blockSize(block: number): number;
  /** Window and place in it of the row that is `position`-th in reading order. */
  locate(position: number): [window: number, place: number];
}

function planWindows({ rows, blockRows, windowRows }: Source, key: BatchOptions['shuffle']): Plan {
  const blocks = Int32Array.from({ length: Math.ceil(rows / blockRows) }, (_, i) => i);
  if (key !== undefined) shuffle(blocks, random('shuffle blocks', key.seed, key.epoch));
  const blocksPerWindow = Math.max(1, Math.floor(windowRows / blockRows));
  const count = Math.ceil(blocks.length / blocksPerWindow);
  const blockSize = (block: number): number => Math.min(blockRows, rows - block * blockRows);
  const locate = (position: number): [number, number] => {
    let left = position;
    for (let window = 0; window < count; window++) {
      const inWindow = blocks
        .subarray(window * blocksPerWindow, (window + 1) * blocksPerWindow)
        .reduce((sum, b) => sum + blockSize(b), 0);
      if (left < inWindow) return [window, left];
      left -= inWindow;
    }
    return [count, 0];
  };
  return { blocks, blocksPerWindow, blockRows, windowRows, count, blockSize, locate };
}

interface Window {
  /** [slots of the window, words]: block after block, a short block leaves a hole */
  records: Int32Array;
  /** The same memory as floats. */
  floats: Float32Array;
  /** Which slot is read first, second ... (`rows` of them) */
  order: Int32Array;
  /** Position in the split of each block's first row. */
  firstRows: Int32Array;
  rows: number;
}

function allocateWindow({ blocks, blocksPerWindow, blockRows }: Plan, { words }: RecordLayout): Window {
  const slots = Math.min(blocks.length, blocksPerWindow) * blockRows;
  const records = new Int32Array(slots * words);
  return {
    records,
    floats: new Float32Array(records.buffer),
    order: new Int32Array(slots),
    firstRows: new Int32Array(slots / blockRows),
    rows: 0,
  };
}

/** Reads the blocks of a window; all reads are under way at once. */
async function loadWindow(
  { file, path, layout, verify }: Source,
  plan: Plan,
  number: number,
  window: Window,
): Promise<void> {
  const { blocksPerWindow, blockRows } = plan;
  const bytes = new Uint8Array(window.records.buffer);
  const recordBytes = layout.words * 4;
  const reads: Promise<void>[] = [];
  window.rows = 0;
  plan.blocks.subarray(number * blocksPerWindow, (number + 1) * blocksPerWindow).forEach((block, i) => {
    const size = plan.blockSize(block);
    const target = bytes.subarray(i * blockRows * recordBytes, (i * blockRows + size) * recordBytes);
    const position = HEADER_BYTES + block * blockRows * recordBytes;
    reads.push(readFully(file, path, target, position).then(() => verify(block, target)));
    window.firstRows[i] = block * blockRows;
    for (let j = 0; j < size; j++) window.order[window.rows++] = i * blockRows + j;
  });
  await Promise.all(reads);
}

/** Fills `target` from `position` on. The callback form of `read` costs a third of the promise form. */
function readFully(file: number, path: string, target: Uint8Array, position: number): Promise<void> {
  return new Promise((done, fail) => {
    const next = (from: number): void =>
      read(file, target, from, target.length - from, position + from, (cause, bytes) => {
        if (cause !== null) fail(asReadError(cause, path, 'the row file of a split'));
        else if (bytes === 0) fail(error('FILE_UNREADABLE', { path, reason: 'the file is shorter than it was' }));
        else if (from + bytes < target.length) next(from + bytes);
        else done();
      });
    next(0);
  });
}

function allocateBatch(size: number, { slots, tasks, sequenceIds }: RecordLayout): Batch {
  return {
    size,
    ids: new Int32Array(size * slots),
    ...(sequenceIds > 0 && { sequences: new Int32Array(size * sequenceIds) }),
    scenario: new Int32Array(size),
    labels: new Float32Array(size * tasks),
    weight: new Float32Array(size).fill(1),
    group: new Int32Array(size).fill(-1),
    row: new Int32Array(size),
  };
}

/** Copies `count` rows, the `from`-th of the window's order and on, to the batch's rows `at` and on. */
function copyRows(window: Window, from: number, count: number, batch: Batch, at: number, source: Source): void {
  const { records, floats, order, firstRows } = window;
  const { slots, tasks, words, scenario, labels, weight, group, sequences, sequenceIds } = source.layout;
  const blockRows = source.blockRows;
  const { sequences: items } = batch;
  for (let i = 0; i < count; i++) {
    const slot = order[from + i];
    const record = slot * words;
    const row = at + i;
    for (let s = 0, to = row * slots; s < slots; s++) batch.ids[to + s] = records[record + s];
    for (let t = 0, to = row * tasks; t < tasks; t++) batch.labels[to + t] = floats[record + labels + t];
    batch.scenario[row] = records[record + scenario];
    if (weight >= 0) batch.weight[row] = floats[record + weight];
    if (group >= 0) batch.group[row] = records[record + group];
    if (items !== undefined)
      for (let j = 0, to = row * sequenceIds; j < sequenceIds; j++) items[to + j] = records[record + sequences + j];
    const block = (slot / blockRows) | 0;
    batch.row[row] = firstRows[block] + slot - block * blockRows;
  }
}

function shortBatch(batch: Batch, size: number, { slots, tasks, sequenceIds }: RecordLayout): Batch {
  const { sequences } = batch;
  return {
    size,
    ids: batch.ids.subarray(0, size * slots),
    ...(sequences && { sequences: sequences.subarray(0, size * sequenceIds) }),
    scenario: batch.scenario.subarray(0, size),
    labels: batch.labels.subarray(0, size * tasks),
    weight: batch.weight.subarray(0, size),
    group: batch.group.subarray(0, size),
    row: batch.row.subarray(0, size),
  };
}
