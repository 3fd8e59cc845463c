/** Measures the time of a run. No result of a run depends on it. */
import type { LoopState } from './state.ts';

/** Adds to a run's state the wall and processor time that this process has spent on it. */
export class RunClock {
  readonly #state: LoopState;
  #started = performance.now();
  #processorStarted = processorSeconds();

  constructor(state: LoopState) {
    this.#state = state;
  }

  /** Time since the last call. */
  count(): void {
    const now = performance.now();
    const processor = processorSeconds();
    this.#state.seconds += (now - this.#started) / 1000;
    this.#state.processorSeconds = (this.#state.processorSeconds ?? 0) + processor - this.#processorStarted;
    this.#started = now;
    this.#processorStarted = processor;
  }

  /** Wall and processor time of the run so far, and the peak memory of this process. */
  used(): { totalSeconds: number; processorSeconds: number | undefined; peakBytes: number } {
    this.count();
    const { seconds, processorSeconds } = this.#state;
    return { totalSeconds: seconds, processorSeconds, peakBytes: process.resourceUsage().maxRSS * 1024 };
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

/** Of all threads of this process. */
function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
