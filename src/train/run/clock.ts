/** Time that a run takes. Nothing that a run computes depends on it. */
import type { LoopState } from './state.ts';

/** Adds to a run's state the wall and processor time that this process has spent on it. */
export class RunClock {
  readonly #state: LoopState;
  #started = performance.now();
  #processorStarted = processorSeconds();

  constructor(state: LoopState) {
    this.#state = state;
  }

  /** What has passed since the last call. */
  count(): void {
    const now = performance.now();
    const processor = processorSeconds();
    this.#state.seconds += (now - this.#started) / 1000;
    this.#state.processorSeconds = (this.#state.processorSeconds ?? 0) + processor - this.#processorStarted;
    this.#started = now;
    this.#processorStarted = processor;
  }

  /** Wall and processor time of the run so far, and the most memory that this process has held. */
  used(): { totalSeconds: number; processorSeconds: number | undefined; peakBytes: number } {
    this.count();
    const { seconds, processorSeconds } = this.#state;
    return { totalSeconds: seconds, processorSeconds, peakBytes: process.resourceUsage().maxRSS * 1024 };
  }
}

/** Rows and seconds of an epoch, as far as this process ran it. */
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
