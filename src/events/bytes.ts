/**
 * Lines of a log as bytes, in large pieces of memory outside of the heap. Lines that wait as texts would be copied by
 * the garbage collector and joined and encoded again for the disk: a tenth of what logging costs. Pieces are used again when their
 * lines are stored: new ones for every megabyte would make the collector look through the whole heap once a second.
 */
const PIECE = 1 << 20;
/** Pieces that are kept for later lines. */
const MOST_FREE = 8;

interface Piece {
  memory: Buffer;
  used: number;
  /** Lines in it that somebody may still read. */
  lines: number;
}

const pieces = new WeakMap<ArrayBufferLike, Piece>();
const free: Piece[] = [];
let current = newPiece(PIECE);

/**
 * A text in UTF-8, with a line break, from its parts, which are not joined as a text before: texts, and bytes that are UTF-8. Lines that are
 * made one after another mostly are so in memory, too (see `joined`).
 */
export function bytesOfLine(parts: readonly (string | Uint8Array)[]): Buffer {
  let length = 1;
  for (const part of parts) length += Buffer.byteLength(part);
  if (current.lines === 0) current.used = 0;
  if (current.used + length > current.memory.length)
    current = (length <= PIECE ? free.pop() : undefined) ?? newPiece(Math.max(PIECE, length));
  const { memory, used: start } = current;
  for (const part of parts)
    if (typeof part === 'string') current.used += memory.write(part, current.used);
    else {
      memory.set(part, current.used);
      current.used += part.length;
    }
  memory[current.used++] = 10;
  current.lines++;
  return memory.subarray(start, current.used);
}

/** Gives a line's memory back, once: nobody may read the line any more. Memory of lines that are never given back is collected. */
export function releaseLine(bytes: Buffer): void {
  const piece = pieces.get(bytes.buffer);
  if (piece === undefined || --piece.lines > 0 || piece === current) return;
  if (piece.memory.length > PIECE || free.length === MOST_FREE) return;
  piece.used = 0;
  free.push(piece);
}

function newPiece(length: number): Piece {
  const piece = { memory: Buffer.allocUnsafeSlow(length), used: 0, lines: 0 };
  pieces.set(piece.memory.buffer, piece);
  return piece;
}

/** The same bytes in fewer parts, without copies. */
export function joined(lines: readonly Buffer[]): Buffer[] {
  const parts: Buffer[] = [];
  let [memory, start, end] = [lines[0]?.buffer, 0, 0];
  for (const { buffer, byteOffset, length } of lines) {
    if (buffer !== memory || byteOffset !== end) {
      if (end > start) parts.push(Buffer.from(memory, start, end - start));
      [memory, start] = [buffer, byteOffset];
    }
    end = byteOffset + length;
  }
  if (end > start) parts.push(Buffer.from(memory, start, end - start));
  return parts;
}
