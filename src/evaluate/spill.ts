/**
 * Sorted runs of entries on disk, for evaluations that do not fit in memory. Runs are merged block by block: what is no
 * later than the earliest end of a block is complete, is sorted together, and goes out.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { asReadError, asWriteError } from '../base/files.ts';
import { type Entries, emptyEntries, type Order } from './entries.ts';

/** Where a sorted run lies in the file: its keys, then its tags. */
export interface Run {
  position: number;
  length: number;
}

/** A run being read: the block in memory, and how much of the run is still on disk behind it. */
interface Reader {
  run: Run;
  read: number;
  block: Entries;
}

const LARGEST_BLOCK = 1 << 16;

export class SpillFile {
  private readonly folder: string;
  private readonly file: number;
  private end = 0;
  private isOpen = true;

  constructor(parent: string) {
    try {
      this.folder = mkdtempSync(join(parent, 'tributary-evaluate-'));
      this.file = openSync(join(this.folder, 'runs'), 'wx+');
    } catch (cause) {
      throw asWriteError(cause, parent);
    }
    this.removeFolder(); // the open file lives on without a name, and is gone with this process however it ends
  }

  /** Appends entries that are already sorted. */
  write({ keys, tags, length }: Entries): Run {
    const run = { position: this.end, length };
    for (const column of [keys, tags]) {
      const bytes = new Uint8Array(column.buffer, column.byteOffset, 4 * length);
      try {
        for (let at = 0; at < bytes.length; ) {
          const written = writeSync(this.file, bytes, at, bytes.length - at, this.end);
          at += written;
          this.end += written;
        }
      } catch (cause) {
        throw asWriteError(cause, this.folder);
      }
    }
    return run;
  }

  /** All entries of the runs in order, in chunks that together hold at most about `memoryRows` entries at a time. */
  *merge(runs: Run[], order: Order, memoryRows: number): Generator<Entries> {
    const blockRows = Math.max(1, Math.min(LARGEST_BLOCK, Math.floor(memoryRows / runs.length)));
    const readers = runs.map((run): Reader => ({ run, read: 0, block: emptyEntries() }));
    for (;;) {
      for (const reader of readers) if (reader.block.length === 0) this.fill(reader, blockRows);
      const filled = readers.filter(({ block }) => block.length > 0);
      if (filled.length === 0) return;
      const bound = earliestEnd(filled, order);
      const chunk = concatenate(filled.map(({ block }) => takeUpTo(block, bound, order)));
      order.sort(chunk);
      yield chunk;
    }
  }

  /** Closes and removes the file; safe to call twice. */
  dispose(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    closeSync(this.file);
    this.removeFolder();
  }

  private removeFolder(): void {
    try {
      rmSync(this.folder, { recursive: true, force: true });
    } catch {
      // Windows keeps a file that is open: dispose tries again
    }
  }

  private fill(reader: Reader, rows: number): void {
    const { run, read } = reader;
    const length = Math.min(rows, run.length - read);
    reader.block = {
      keys: this.readColumn(run.position + 4 * read, length),
      tags: this.readColumn(run.position + 4 * (run.length + read), length),
      length,
    };
    reader.read += length;
  }

  private readColumn(position: number, length: number): Uint32Array {
    const column = new Uint32Array(length);
    const bytes = new Uint8Array(column.buffer);
    try {
      for (let at = 0; at < bytes.length; ) at += readSync(this.file, bytes, at, bytes.length - at, position + at);
    } catch (cause) {
      throw asReadError(cause, this.folder, 'the runs of this evaluation');
    }
    return column;
  }
}

/** The block whose last entry is the earliest, among runs that go on behind their block; none when all are at their end. */
function earliestEnd(readers: Reader[], order: Order): Entries | undefined {
  let earliest: Entries | undefined;
  for (const { run, read, block } of readers) {
    if (read === run.length) continue;
    if (earliest === undefined || order.isAfter(earliest, earliest.length - 1, block, block.length - 1))
      earliest = block;
  }
  return earliest && lastOf(earliest);
}

const lastOf = ({ keys, tags, length }: Entries): Entries => ({
  keys: keys.slice(length - 1),
  tags: tags.slice(length - 1),
  length: 1,
});

/** Cuts off and returns the entries that do not stand after `bound`; all of them without a bound. */
function takeUpTo(block: Entries, bound: Entries | undefined, order: Order): Entries {
  let end = block.length;
  if (bound !== undefined) {
    let low = 0;
    while (low < end) {
      const middle = (low + end) >>> 1;
      if (order.isAfter(block, middle, bound, 0)) end = middle;
      else low = middle + 1;
    }
  }
  const taken = { keys: block.keys.subarray(0, end), tags: block.tags.subarray(0, end), length: end };
  block.keys = block.keys.subarray(end);
  block.tags = block.tags.subarray(end);
  block.length -= end;
  return taken;
}

function concatenate(parts: Entries[]): Entries {
  const whole = emptyEntries(parts.reduce((sum, { length }) => sum + length, 0));
  for (const { keys, tags, length } of parts) {
    whole.keys.set(keys, whole.length);
    whole.tags.set(tags, whole.length);
    whole.length += length;
  }
  return whole;
}
