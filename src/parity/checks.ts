/** Counts comparisons and keeps the worst error. */
import { EXACT, type Tolerance } from './tolerance.ts';

/** Errors are in units of their tolerance: up to 1 passes. */
export class Checks {
  /** Tensors and claims compared. */
  count = 0;
  /** Number of them beyond their tolerance. */
  failed = 0;
  worst = 0;
  /** Position of the worst error and the two numbers; empty if all is exact. */
  where = '';

  /** Notes for the reader of the result. */
  note: string | undefined;

  /** Adds the results of other checks. */
  include({ count, failed, worst, where, note }: Checks): void {
    this.count += count;
    this.failed += failed;
    this.note = note ?? this.note;
    if (worst <= this.worst) return;
    this.worst = worst;
    this.where = where;
  }

  /** Compares element by element; `only` leaves elements out. Two NaNs are equal. */
  close(
    name: string,
    found: ArrayLike<number>,
    expected: ArrayLike<number>,
    tolerance: Tolerance,
    only: (index: number) => boolean = () => true,
  ): void {
    if (found.length !== expected.length) {
      this.record(Number.POSITIVE_INFINITY, `${name}: ${found.length} numbers, expected ${expected.length}`);
      return;
    }
    let worst = 0;
    let at = -1;
    for (let i = 0; i < expected.length; i++) {
      if (!only(i)) continue;
      const error = errorOf(found[i], expected[i], tolerance);
      if (at >= 0 && error <= worst) continue;
      worst = error;
      at = i;
    }
    const place = expected.length === 1 ? name : `${name}[${at}]`;
    this.record(
      worst,
      at < 0 ? `${name}: no element` : `${place}: ${shown(found[at])}, expected ${shown(expected[at])}`,
    );
  }

  number(name: string, found: number, expected: number, tolerance: Tolerance = EXACT): void {
    this.close(name, [found], [expected], tolerance);
  }

  /** Compares values as texts: an error is infinite. */
  equal(name: string, found: unknown, expected: unknown): void {
    const [a, b] = [JSON.stringify(found) ?? 'nothing', JSON.stringify(expected) ?? 'nothing'];
    this.record(a === b ? 0 : Number.POSITIVE_INFINITY, `${name}: ${cut(a)}, expected ${cut(b)}`);
  }

  /** Adds an error that the caller computed. */
  record(error: number, where: string): void {
    this.count++;
    if (!(error <= 1)) this.failed++;
    if (!(error > this.worst)) return;
    this.worst = error;
    this.where = where;
  }
}

function errorOf(found: number, expected: number, { rtol, atol }: Tolerance): number {
  if (Object.is(found, expected) || found === expected) return 0;
  const error = Math.abs(found - expected) / (atol + rtol * Math.abs(expected));
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

const shown = (value: number): string => String(Number(value.toPrecision(7)));
const cut = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);
