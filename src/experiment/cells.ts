/** Cells of scenario and metric: where does an effect come from? They explain and decide nothing. */
import { isLowerBetter, type Metric } from '../config/experiment/metric.ts';
import type { ExperimentTreatment } from '../documents/experiment/report.ts';
import { eBenjaminiHochberg, heterogeneity, jointMoments, sequentialTest } from '../evaluate/experiment/index.ts';
import { anyTime, estimate, LEVEL } from './compare.ts';
import type { ArmSums } from './log/sums.ts';
import type { Settings } from './settings.ts';

/** Cells of all scenarios and metrics of what users did; latency has none. */
export function cellsOf(
  metrics: readonly Metric[],
  sums: readonly ArmSums[],
  { control, arm }: { control: string; arm: string; settings: Settings },
): Pick<ExperimentTreatment, 'cells' | 'heterogeneity'> {
  const scenarios = [...new Set(sums.flatMap(({ scenario }) => scenario ?? []))].sort();
  if (scenarios.length < 2) return { cells: [], heterogeneity: [] };
  const of = (name: string, scenario: string) => sums.find((one) => one.arm === name && one.scenario === scenario);
  const found = metrics.flatMap((metric, k) => {
    if (isLowerBetter(metric)) return [];
    return scenarios.flatMap((scenario) => {
      const [a, b] = [of(control, scenario), of(arm, scenario)];
      if (a === undefined || b === undefined) return [];
      return [{ scenario, ...estimate({ metric, control: a.metrics[k], treatment: b.metrics[k] }) }];
    });
  });
  const logE = found.map(({ a, b, refusal }) => (refusal === undefined ? sequentialTest(a, b).logE : 0));
  const rejected = new Set(eBenjaminiHochberg(logE.map(Math.exp), LEVEL));
  const pooled = metrics.flatMap((metric) => pooledOf(metric, found));
  const cells = found.map((cell, i) => {
    const { scenario, metric, control, treatment, estimate: difference, se, units, refusal } = cell;
    const half = se * anyTime.twoSided(units, LEVEL);
    const value = (of: typeof control): number | null => (of.sums[1] === 0 ? null : jointMoments(of).mean);
    const own = pooled.find(({ name }) => name === metric.name);
    return {
      scenario,
      metric: metric.name,
      units: { control: control.n, treatment: treatment.n },
      control: value(control),
      treatment: value(treatment),
      difference: {
        estimate: Number.isFinite(difference) ? difference : 0,
        low: refusal === undefined ? difference - half : null,
        high: refusal === undefined ? difference + half : null,
      },
      eValue: Math.min(Math.exp(logE[i]), Number.MAX_VALUE),
      found: rejected.has(i),
      shrunk: own?.shrunk.get(scenario) ?? null,
    };
  });
  return { cells, heterogeneity: pooled.map(({ result }) => result) };
}

type Cell = { scenario: string } & ReturnType<typeof estimate>;

function pooledOf(metric: Metric, found: readonly Cell[]) {
  const own = found.filter((cell) => cell.metric.name === metric.name && cell.refusal === undefined && cell.se > 0);
  if (own.length < 2) return [];
  const { Q, p, I2, tau2_DerSimonianLaird, shrunk } = heterogeneity(
    own.map(({ estimate }) => estimate),
    own.map(({ se }) => se),
  );
  return [
    {
      name: metric.name,
      shrunk: new Map(own.map(({ scenario }, i) => [scenario, shrunk[i]])),
      result: { metric: metric.name, Q, p, I2, tau: Math.sqrt(tau2_DerSimonianLaird) },
    },
  ];
}
