/** Interleaved answers: whose items people take from one list. */

import { type Database, query } from '../data/sql/duckdb.ts';
import { literal } from '../data/sql/text.ts';
import type { ExperimentPreference } from '../documents/experiment/report.ts';
import { preferenceOfSums, signTest, widthFactor } from '../evaluate/experiment/index.ts';

/** Units below which the interval of means says nothing. */
const MINIMUM_UNITS = 100;

/**
 * Each treatment against the control. A click credits the team of its item; an answer is won by the team with more credit; a unit by the
 * team that won more of its answers.
 *
 * @param type of the interactions that credit
 */
export async function preferences(
  connection: Database['connection'],
  { control, treatments, type }: { control: string; treatments: readonly string[]; type: string },
): Promise<ExperimentPreference[]> {
  const found: ExperimentPreference[] = [];
  for (const arm of treatments) {
    const [row] = await query(connection, preferenceSql(control, arm, type), 'counting who won');
    const number = (name: string): number => Number(row[name] ?? 0);
    if (number('units') === 0) continue;
    found.push(
      preferenceOf(arm, control, {
        answers: number('answers'),
        units: number('units'),
        wins: { control: number('lost'), treatment: number('won'), ties: number('ties') },
        sum: number('sum'),
        sumSquares: number('squares'),
      }),
    );
  }
  return found;
}

const preferenceSql = (control: string, arm: string, type: string): string => `
  WITH credited AS (
    SELECT a.request_id AS request_id, sum(CASE item.team WHEN ${literal(arm)} THEN 1 WHEN ${literal(control)} THEN -1 ELSE 0 END) AS credit
    FROM (SELECT request_id, unnest(items) AS item FROM answers WHERE policy = 'interleave') AS a
      JOIN held AS h ON h.request_id = a.request_id AND h.item_id = a.item.item_id AND h.type = ${literal(type)}
    GROUP BY a.request_id),
  per_unit AS (
    SELECT unit, count(*) AS answers, count(*) FILTER (credit > 0) AS won, count(*) FILTER (credit < 0) AS lost
    FROM (SELECT a.unit, a.request_id, c.credit FROM answers AS a LEFT JOIN credited AS c ON a.request_id = c.request_id
          WHERE a.policy = 'interleave')
    GROUP BY unit)
  SELECT count(*) AS units, sum(answers)::BIGINT AS answers, count(*) FILTER (won > lost) AS won, count(*) FILTER (won < lost) AS lost,
    count(*) FILTER (won = lost) AS ties, sum((won - lost) / (2.0 * answers))::DOUBLE AS sum,
    sum(((won - lost) / (2.0 * answers)) ** 2)::DOUBLE AS squares
  FROM per_unit`;

interface Counted {
  answers: number;
  units: number;
  wins: ExperimentPreference['wins'];
  sum: number;
  sumSquares: number;
}

function preferenceOf(
  arm: string,
  control: string,
  { answers, units, wins, sum, sumSquares }: Counted,
): ExperimentPreference {
  const sign = signTest(wins.control, wins.treatment, wins.ties);
  const byUnits = preferenceOfSums({ n: units, sum, sumSquares });
  const [mean, se] = [byUnits?.delta_AB ?? 0, byUnits?.se ?? 0];
  const isEnough = units >= MINIMUM_UNITS && se > 0;
  const half = isEnough ? se * widthFactor(units) : 0;
  const verdict = !isEnough
    ? `too few units to say whose items people prefer (${units})`
    : mean - half > 0
      ? `people prefer the items of ${arm}`
      : mean + half < 0
        ? `people prefer the items of ${control}`
        : `people prefer neither so far`;
  const figures = `${wins.treatment} units to ${wins.control}, ${wins.ties} ties, delta ${signed(mean)}${isEnough ? ` (${signed(mean - half)} to ${signed(mean + half)})` : ''}`;
  return {
    arm,
    answers,
    units,
    wins,
    sign: { delta: sign.delta_AB, p: sign.p },
    byUnits:
      byUnits === undefined
        ? null
        : { delta: mean, se, p: byUnits.p, low: isEnough ? mean - half : null, high: isEnough ? mean + half : null },
    sentence: `${verdict}: ${figures}. This chooses candidates; what a launch brings only a split says.`,
  };
}

const signed = (x: number): string => `${x > 0 ? '+' : ''}${Number(x.toPrecision(3))}`;
