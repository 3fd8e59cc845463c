/** From answers to sums over units: all that the statistics need of a log. */
import { isLowerBetter, type Metric } from '../../config/experiment/metric.ts';
import { type Database, execute, query } from '../../data/sql/duckdb.ts';
import { literal } from '../../data/sql/text.ts';
import type { JointSums } from '../../evaluate/experiment/index.ts';

type Connection = Database['connection'];

export interface SumsOptions {
  metrics: readonly Metric[];
  /** Types of interactions, as `createAnswers` numbered them. */
  types: readonly string[];
  /** For each latency metric with a quantile: milliseconds by arm beyond which an answer counts as slow. */
  limits: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** Sums over the units of an arm in a scenario, or in all (null). */
export interface ArmSums {
  arm: string;
  scenario: string | null;
  /** In the order of the metrics. Metrics of which less is better are negative: more is always better. */
  metrics: JointSums[];
}

/** Each metric is a numerator and a denominator for each unit; metrics per unit have the denominator 1. */
export async function sumsOf(connection: Connection, options: SumsOptions): Promise<ArmSums[]> {
  const { metrics } = options;
  const values = metrics.flatMap((metric, k) => {
    const now = unitValue(metric, options, 'exposed');
    const pre = unitValue(metric, options, 'NOT exposed');
    return [`${now.m} AS m${k}`, `${now.d} AS d${k}`, `${pre.m} AS pm${k}`, `${pre.d} AS pd${k}`];
  });
  await execute(
    connection,
    `CREATE OR REPLACE TABLE unit_sums AS
     SELECT unit, min(arm) AS arm, scenario ${values.map((value) => `, ${value}`).join('')}
     FROM facts GROUP BY GROUPING SETS ((unit, scenario), (unit)) HAVING count(*) FILTER (exposed) > 0`,
    'summing up units',
  );
  const sums = metrics.flatMap((_, k) => {
    const names = [`m${k}`, `d${k}`, `pm${k}`, `pd${k}`];
    return [
      ...names.map((name) => `sum(${name})::DOUBLE AS s_${name}`),
      ...names.flatMap((x, i) => names.slice(i).map((y) => `sum(${x}::DOUBLE * ${y})::DOUBLE AS p_${x}_${y}`)),
    ];
  });
  const rows = await query(
    connection,
    `SELECT arm, scenario, count(*) AS n ${sums.map((sum) => `, ${sum}`).join('')} FROM unit_sums GROUP BY arm, scenario ORDER BY arm, scenario NULLS FIRST`,
    'summing up arms',
  );
  return rows.map((row) => ({
    arm: String(row.arm),
    scenario: row.scenario === null ? null : String(row.scenario),
    metrics: metrics.map((metric, k) => jointOf(row, k, isLowerBetter(metric) && !isQuantile(metric))),
  }));
}

const isQuantile = (metric: Metric): boolean => metric.kind === 'latency' && metric.quantile !== undefined;

function jointOf(row: Record<string, unknown>, k: number, negate: boolean): JointSums {
  const names = [`m${k}`, `d${k}`, `pm${k}`, `pd${k}`];
  const sign = (i: number): number => (negate && i % 2 === 0 ? -1 : 1);
  const at = (name: string): number => Number(row[name] ?? 0);
  const four = <T>(of: (i: number) => T): [T, T, T, T] => [of(0), of(1), of(2), of(3)];
  return {
    n: Number(row.n),
    sums: four((i) => sign(i) * at(`s_${names[i]}`)),
    products: four((i) => four((j) => sign(i) * sign(j) * at(`p_${names[Math.min(i, j)]}_${names[Math.max(i, j)]}`))),
  };
}

/** SQL of a unit's numerator and denominator over the answers that a condition chooses. */
function unitValue(metric: Metric, { types, limits }: SumsOptions, chosen: string): { m: string; d: string } {
  const sum = (of: string, more = 'true'): string => `coalesce(sum(${of}) FILTER (${chosen} AND ${more}), 0)`;
  const count = (more: string): string => `count(*) FILTER (${chosen} AND ${more})`;
  if (metric.kind === 'errors') return { m: count('failed'), d: count('true') };
  if (metric.kind === 'latency') {
    if (metric.quantile === undefined) return { m: sum('took_ms'), d: count('took_ms IS NOT NULL') };
    const cases = [...(limits.get(metric.name) ?? [])].map(([arm, limit]) => `WHEN ${literal(arm)} THEN ${limit}`);
    if (cases.length === 0) return { m: '0', d: '0' };
    return { m: count(`took_ms <= CASE arm ${cases.join(' ')} END`), d: count('took_ms IS NOT NULL') };
  }
  const k = types.indexOf(metric.type);
  const known = `known${k}`;
  if (metric.kind === 'share') return { m: `(${sum(`n${k}`, known)} > 0)::INTEGER`, d: '1' };
  const m = metric.kind === 'value' ? sum(`v${k}`, known) : sum(`n${k}`, known);
  const d = { item: sum('items', known), request: count(known), unit: '1' }[metric.per];
  return { m, d };
}

/** By arm and metric of a quantile of latency: the limit. Control's quantile, and for the others that times 1 + margin. */
export async function latencyLimits(
  connection: Connection,
  control: string,
  arms: readonly string[],
  wanted: readonly { metric: Metric; margin: { absolute: number } | { relative: number } }[],
): Promise<SumsOptions['limits']> {
  const limits = new Map<string, Map<string, number>>();
  for (const { metric, margin } of wanted) {
    if (metric.kind !== 'latency' || metric.quantile === undefined) continue;
    const [{ q }] = await query(
      connection,
      `SELECT quantile_cont(took_ms, ${metric.quantile}) AS q FROM facts WHERE exposed AND arm = ${literal(control)}`,
      'measuring latency',
    );
    if (q === null || q === undefined) continue;
    limits.set(metric.name, new Map(arms.map((arm) => [arm, arm === control ? Number(q) : above(Number(q), margin)])));
  }
  return limits;
}

const above = (q: number, margin: { absolute: number } | { relative: number }): number =>
  'absolute' in margin ? q + margin.absolute : q * (1 + margin.relative);
