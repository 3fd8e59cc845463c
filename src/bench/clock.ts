/** Measures where the time of a step goes: wraps the kernels, the tables and the session in a clock. */
import type { Kernels } from '../kernels/index.ts';
import type { Session, Value } from '../runtime/contract.ts';
import type { TableStore } from '../tables/contract.ts';

export const PARTS = ['gather', 'run', 'scatter', 'update'] as const;
export type Part = (typeof PARTS)[number];

/** Calls that are not named here count as part of the update. */
const PART_OF: Partial<Record<keyof (Kernels & TableStore), Part>> = { gather: 'gather', scatterUnique: 'scatter' };

export class Clock {
  readonly milliseconds: Record<Part, number> = { gather: 0, run: 0, scatter: 0, update: 0 };
  /** What the last run of the session was given, and what it gave, in bytes. */
  readonly bytes = { in: 0, out: 0 };

  reset(): void {
    for (const part of PARTS) this.milliseconds[part] = 0;
  }

  kernels = (kernels: Kernels): Kernels => this.#timed(kernels);

  tables = (tables: TableStore): TableStore => this.#timed(tables);

  #timed<T extends Kernels | TableStore>(of: T): T {
    return new Proxy(of, {
      get: (target, name: keyof T & keyof typeof PART_OF) => {
        const value = target[name];
        if (typeof value !== 'function') return value;
        const timed = value as (...words: unknown[]) => unknown;
        return (...words: unknown[]) => this.#time(PART_OF[name] ?? 'update', () => timed.apply(target, words));
      },
    });
  }

  session(session: Session): Session {
    return {
      ...session,
      run: async (feeds, into) => {
        const started = performance.now();
        const results = await session.run(feeds, into);
        this.milliseconds.run += performance.now() - started;
        this.bytes.in = bytesOf(feeds);
        this.bytes.out = bytesOf(results);
        return results;
      },
    };
  }

  #time<T>(part: Part, work: () => T): T {
    const started = performance.now();
    const result = work();
    this.milliseconds[part] += performance.now() - started;
    return result;
  }
}

const bytesOf = (values: Record<string, Value>): number =>
  Object.values(values).reduce((sum, { data }) => sum + data.byteLength, 0);

/** The median; of an even count, the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
