/** Metrics of experiments in a process. They go on when experiments change. */

import { type Family, family, Histogram, type Labels } from '../metrics/metrics.ts';
import type { PlanArm } from './plan.ts';

/** Seconds of answers and of shadows. */
const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const DIFFERENCES = [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const SHARES = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** What became of a shadow: not run, since too much waited; its model failed; or it scored the items. */
export type ShadowOutcome = 'skipped' | 'failed' | 'scored';

export interface ExperimentMetrics {
  /** An answer that exposes a unit. */
  addAnswer(key: string, arm: PlanArm, seconds: number): void;
  /** An arm that failed: the control answered. */
  addFailure(key: string, arm: string, code: string): void;
  addShadow(key: string, outcome: ShadowOutcome, seconds: number): void;
  /** How far two rankings of the same items are apart: differences of scores, and the share of the first items that both have. */
  addDifference(key: string, differences: readonly number[], overlap: number): void;
  families(): Family[];
}

export function createExperimentMetrics(): ExperimentMetrics {
  const answers = new Entries(SECONDS);
  /** The same entries, without making a name of them at each request. */
  const byArm = new WeakMap<PlanArm, Histogram>();
  const failures = new Map<string, { labels: Labels; count: number }>();
  const shadows = new Entries(SECONDS);
  const differences = new Entries(DIFFERENCES);
  const overlaps = new Entries(SHARES);
  return {
    addAnswer(experiment, arm, seconds) {
      let histogram = byArm.get(arm);
      if (histogram === undefined) {
        histogram = answers.of(`${experiment} ${arm.name}`, () => ({ experiment, arm: arm.name }));
        byArm.set(arm, histogram);
      }
      histogram.add(seconds);
    },
    addFailure(experiment, arm, code) {
      const name = `${experiment} ${arm} ${code}`;
      const counted = failures.get(name) ?? { labels: { experiment, arm, code }, count: 0 };
      counted.count++;
      failures.set(name, counted);
    },
    addShadow: (experiment, outcome, seconds) =>
      shadows.of(`${experiment} ${outcome}`, () => ({ experiment, outcome })).add(seconds),
    addDifference(experiment, found, overlap) {
      const histogram = differences.of(experiment, () => ({ experiment }));
      for (const difference of found) histogram.add(difference);
      overlaps.of(experiment, () => ({ experiment })).add(overlap);
    },
    families: () => [
      answers.family(
        'tributary_experiment_seconds',
        'Time of answers that expose a unit, by experiment and arm; the count is the number of exposures.',
      ),
      family(
        'tributary_experiment_failures_total',
        'Answers of the control in place of an arm whose model failed, by the code of the error.',
        'counter',
        [...failures.values()].map(({ labels, count }) => ({ labels, values: [count] })),
      ),
      shadows.family('tributary_shadow_seconds', 'Time of shadows after their answer was sent, by outcome.'),
      differences.family(
        'tributary_shadow_score_difference',
        'Distance between the score that answered and that of the shadow, of the items shown.',
      ),
      overlaps.family(
        'tributary_shadow_overlap',
        'Share of the first items (ten, and half of the candidates at most) that the shadow has among its first ones.',
      ),
    ],
  };
}

/** Histograms by name. */
class Entries {
  readonly #edges: readonly number[];
  readonly #known = new Map<string, { labels: Labels; histogram: Histogram }>();

  constructor(edges: readonly number[]) {
    this.#edges = edges;
  }

  of(name: string, labels: () => Labels): Histogram {
    let entry = this.#known.get(name);
    if (entry === undefined) {
      entry = { labels: labels(), histogram: new Histogram(this.#edges) };
      this.#known.set(name, entry);
    }
    return entry.histogram;
  }

  family(name: string, help: string): Family {
    const series = [...this.#known.values()].map(({ labels, histogram }) => ({
      labels,
      values: [...histogram.values],
    }));
    return family(name, help, 'histogram', series, this.#edges);
  }
}
