/** Measures the time of a run. No result of a run depends on it. */
import type { PartSeconds, RunPart } from '../../documents/parts.ts';
import type { LoopState } from './state.ts';

/** Adds to a run's state the wall and processor time that this process has spent on it. */
export class RunClock {
  readonly #state: LoopState;
  #started = performance.now();
  #processorStarted = processorSeconds();

  constructor(state: LoopState) {
    this.#state = state;
  }

  /** Adds the time since the last call, which was spent on `part`. */
  count(part: RunPart): void {
    const now = performance.now();
    const processor = processorSeconds();
    this.#state.seconds += (now - this.#started) / 1000;
    this.#state.processorSeconds = (this.#state.processorSeconds ?? 0) + processor - this.#processorStarted;
    this.#state.parts = withPart(this.#state.parts, part, processor - this.#processorStarted);
    this.#started = now;
    this.#processorStarted = processor;
  }

  /** Wall and processor time of the run so far, and the peak memory of this process. */
  used(): { totalSeconds: number; processorSeconds?: number; parts?: PartSeconds; peakBytes: number } {
    this.count('steps');
    const { seconds, processorSeconds, parts } = this.#state;
    return {
      totalSeconds: seconds,
      ...(processorSeconds !== undefined && { processorSeconds }),
      ...(parts && { parts }),
      peakBytes: process.resourceUsage().maxRSS * 1024,
    };
  }
}

/** Rows and seconds of the part of an epoch that this process ran. */
export class EpochClock {
  rows = 0;
  readonly #start = performance.now();

  get seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  get rowsPerSecond(): number {
    return this.rows / this.seconds;
  }
}

/** With more time spent on a part. */
const withPart = (parts: PartSeconds = {}, part: RunPart, processor: number): PartSeconds => ({
  ...parts,
  [part]: (parts[part] ?? 0) + processor,
});

/** Does something; adds its processor time to what it was spent on. */
export async function timed<T>(parts: PartSeconds, part: RunPart, work: () => Promise<T>): Promise<T> {
  const started = processorSeconds();
  const done = await work();
  Object.assign(parts, withPart(parts, part, processorSeconds() - started));
  return done;
}

/** Of all threads of this process. */
function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
