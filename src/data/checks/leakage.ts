/**
 * Leakage suspects: fields that all but tell a label. Most often they are known only after the user has acted: the
 * seconds watched, the label under another name, a field filled in only for buyers.
 *
 * Measured by the share of a label's entropy that goes when the field's value is known, over values (numbers: 50
 * buckets; "missing" is a value too) with at least 20 labelled rows, which must cover half of them.
 */
import { query } from '../sql/duckdb.ts';
import type { Check } from './check.ts';
import { type Context, SAMPLE } from './context.ts';
import { looked } from './fields.ts';
import { type Finding, type Problem, percent } from './finding.ts';
import type { CheckedField } from './view.ts';

const ENOUGH_ROWS = 20;
const BUCKETS = 50;
const SUSPECT = 0.5;
const CERTAIN = 0.98;

export const leakage: Check = {
  name: 'leakage',
  pass: ({ fields, config, sampleRows, sampleEvery }) =>
    `none of ${fields.length} fields tells any of ${config.tasks.length} labels by itself (${looked(sampleRows, sampleEvery)})`,
  async run(context) {
    const problems: Problem[] = [];
    for (const field of context.fields) {
      if (field.column === undefined) continue;
      const told = await sharesTold(context, field);
      told.forEach((share, t) => {
        if (share >= SUSPECT) problems.push(suspicion(field, context.config.tasks[t].name, share));
      });
    }
    return problems;
  },
};

function suspicion({ config }: CheckedField, task: string, share: number): Problem {
  const level: Finding['level'] = share >= CERTAIN ? 'fail' : 'warn';
  const message =
    share >= CERTAIN
      ? `field "${config.name}" tells the label of task "${task}" (${percent(share)} of its uncertainty goes): leave it out, it is the label or comes after it`
      : `field "${config.name}" tells most about the label of task "${task}" (${percent(share)} of its uncertainty goes): is it known before the user acts?`;
  return { level, message, about: { field: config.name, task } };
}

/** Share of each task's label entropy that the field removes; 0 where too few rows have a value seen often. */
async function sharesTold({ connection, config }: Context, { config: field, column }: CheckedField): Promise<number[]> {
  const value = field.kind === 'numeric' ? await bucketSql(connection, column ?? '') : column;
  const perValue = config.tasks.map(
    (_, t) => `count(*) FILTER (l${t} >= 0) AS n${t}, count(*) FILTER (l${t} = 1) AS p${t}`,
  );
  const perTask = config.tasks.map((_, t) => {
    const often = `FILTER (n${t} >= ${ENOUGH_ROWS})`;
    return `sum(n${t}) AS all${t}, sum(n${t}) ${often} AS n${t}, sum(p${t}) ${often} AS p${t}, sum(${nats(`p${t}`, `n${t}`)}) ${often} AS left${t}`;
  });
  const [found] = await query(
    connection,
    `SELECT ${perTask.join(', ')} FROM (SELECT ${value} AS value, ${perValue.join(', ')} FROM ${SAMPLE} GROUP BY value)`,
    `looking at field "${field.name}"`,
  );
  return config.tasks.map((_, t) => {
    const [all, n, p, left] = ['all', 'n', 'p', 'left'].map((c) => Number(found[`${c}${t}`] ?? 0));
    const before = p * Math.log(n / p) + (n - p) * Math.log(n / (n - p));
    return n >= all / 2 && before > 0 ? 1 - left / before : 0;
  });
}

/** Entropy of `p` ones among `n` labels, times n, in nats. */
const nats = (p: string, n: string): string =>
  `CASE WHEN ${p} > 0 AND ${p} < ${n} THEN ${p} * ln(${n} / ${p}) + (${n} - ${p}) * ln(${n} / (${n} - ${p})) ELSE 0 END`;

/** A number's bucket; whole numbers with few values keep them apart. */
async function bucketSql(connection: Context['connection'], column: string): Promise<string> {
  const quantiles = Array.from({ length: BUCKETS - 1 }, (_, i) => (i + 1) / BUCKETS);
  const [{ edges }] = await query(
    connection,
    `SELECT list_distinct(quantile_disc(${column}, [${quantiles.join(', ')}])) AS edges FROM ${SAMPLE}`,
    'looking at the numbers',
  );
  const list = ((edges as number[] | null) ?? []).map((e) => `${e}::DOUBLE`).join(', ');
  const rank = `len(list_filter([${list}]::DOUBLE[], lambda edge: edge <= ${column}))`;
  return `CASE WHEN ${column} IS NOT NULL THEN ${rank} + CASE WHEN list_contains([${list}]::DOUBLE[], ${column}) THEN 0.5 ELSE 0 END END`;
}
