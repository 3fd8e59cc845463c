/** A model that answered nobody: how its answers would have differed. */

import { type Database, query } from '../data/sql/duckdb.ts';
import type { ExperimentReport } from '../documents/experiment/report.ts';

/** Overall (scenario null), then by scenario. Over the candidates that were logged: raise events.unshown to see all. */
export async function shadowDifferences(connection: Database['connection']): Promise<ExperimentReport['shadow']> {
  const rows = await query(
    connection,
    `WITH scored AS (
       SELECT request_id, scenario, other, item."position" AS place, item.score AS score, item.shadow_score AS shadow,
         row_number() OVER (PARTITION BY request_id ORDER BY item.shadow_score DESC, item.item_id) AS rank
       FROM (SELECT request_id, scenario, other, unnest(items) AS item FROM answers WHERE policy = 'shadow')
       WHERE item.shadow_score IS NOT NULL),
     per_answer AS (
       SELECT request_id, scenario, other, count(place) AS shown, bool_or(place = 1 AND rank = 1) AS same,
         avg(shadow - score) AS difference, avg(abs(shadow - score)) AS absolute FROM scored GROUP BY ALL),
     common AS (
       SELECT s.request_id, count(*) AS n FROM scored AS s JOIN per_answer AS p ON s.request_id = p.request_id
       WHERE s.place IS NOT NULL AND s.rank <= p.shown GROUP BY s.request_id)
     SELECT scenario, other, count(*) AS answers, avg(same::INTEGER) AS same, avg(coalesce(n, 0) / shown) AS overlap,
       avg(difference) AS difference, avg(absolute) AS absolute
     FROM per_answer AS p LEFT JOIN common AS c ON p.request_id = c.request_id WHERE shown > 0
     GROUP BY GROUPING SETS ((other), (scenario, other)) ORDER BY other, scenario NULLS FIRST`,
    'comparing the scores of the shadow',
  );
  return rows.map(({ scenario, other, answers, same, overlap, difference, absolute }) => ({
    scenario: scenario === null ? null : String(scenario),
    model: String(other),
    answers: Number(answers),
    sameFirst: Number(same),
    overlap: Number(overlap),
    meanDifference: Number(difference),
    meanAbsolute: Number(absolute),
  }));
}
