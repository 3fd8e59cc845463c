/**
 * Columns of the rows: each field of the artifact under its own name, as the row encoder reads it, then those of the log and the labels:
 *
 *   log_time, log_request_id, log_item_id, log_position, log_scenario, log_unit, log_model, log_policy, log_score, log_arm, log_bucket
 *   log_marginal, log_prefix, log_team, log_shadow_score   where the answer has them
 *   log_probability_TASK      what the model that answered said
 *   log_weight                1, or 1 / rate for the negatives that a sampling kept
 *   label_TASK, state_TASK    0, 1 or NULL, and why
 *   delay_TASK                seconds from the answer to the first interaction that holds
 *   sequence_TYPE             the user's last items, oldest first: those that the request brought, else what `history.ts` found
 */
import { labelColumn, sequenceColumn } from '../../data/prepared/columns.ts';
import { jsonItems, requestValue } from '../../data/sql/json.ts';
import { identifier, literal } from '../../data/sql/text.ts';
import { FIRST_TIME, labelOf, stateOf } from './labels.ts';
import type { JoinField, JoinPlan } from './plan.ts';

const stateColumn = (task: string): string => `state_${task}`;
const delayColumn = (task: string): string => `delay_${task}`;

const pathOf = (name: string): string => literal(`$."${name}"`);

export interface RowsRequest {
  asOf: number;
  /** Answers from `from` to before `to`, milliseconds since 1970. */
  from: number;
  to: number;
}

/**
 * SQL of the rows of a time in order; a negative that is not drawn is left out. What the items of an answer share is computed before they
 * become rows, and each part of JSON is taken out once.
 */
export function rowsSql(plan: JoinPlan, { asOf, from, to }: RowsRequest): string {
  const { tasks, fields, config } = plan;
  const paths = `[${fields.map((field) => pathOf(field.config.name)).join(', ')}]`;
  const states = tasks.map((task, k) => `${stateOf(task, k, { t: 'time', asOf })} AS state${k}`);
  const columns = [
    ...fields.map((field, i) => `${fieldSql(field, i)} AS ${identifier(field.config.name)}`),
    ...logColumns(plan),
    ...tasks.flatMap(({ name }, k) => [
      `(${labelOf(`state${k}`, config.late)})::TINYINT AS ${identifier(labelColumn(name))}`,
      `state${k} AS ${identifier(stateColumn(name))}`,
      `CASE WHEN state${k} <> 'open' THEN (${FIRST_TIME(k)} - time) / 1000.0 END AS ${identifier(delayColumn(name))}`,
    ]),
    ...(plan.sequences?.types ?? []).map(sequenceColumn).map(identifier),
  ];
  return `
    SELECT ${columns.join(',\n      ')}
    FROM (
      SELECT i.* EXCLUDE (own), l.*, ${[...fields.map((_, i) => `coalesce(column${i}, own[${i + 1}]) AS own${i}`), ...states].join(', ')}
      FROM (
        SELECT *, json_extract(item."values", ${paths}) AS own FROM (
          SELECT * EXCLUDE (shared, items, shown, columns), ${fields.map((field, i) => `${sharedSql(field, i)} AS shared${i}`).join(', ')},
            unnest(items) AS item, ${fields.map((_, i) => `unnest(json_extract(columns[${i + 1}], '$[*]')[:shown]) AS column${i}`).join(', ')}
          FROM (
            SELECT ${answerColumns(plan).join(', ')}, json_extract("values", ${paths}) AS shared, items, shown,
              json_extract(item_values, ${paths}) AS columns
            FROM ${answersOf(plan)} WHERE time >= ${from} AND time < ${to}))
      ) AS i LEFT JOIN (SELECT * RENAME (request_id AS of_request, item_id AS of_item) FROM labels) AS l
        ON i.request_id = l.of_request AND i.item.item_id = l.of_item
    )
    WHERE ${keepsRow(plan)}
    ORDER BY time, request_id, item."position", item.item_id`;
}

/** A value of the item counts before one of the answer as a whole, even if it is null. */
const fieldSql = ({ config }: JoinField, i: number): string =>
  `CASE WHEN own${i} IS NULL THEN shared${i} ELSE ${requestValue(config, `own${i}`)} END`;

/** A field that repeats the scenario has its value where the answer has none. */
function sharedSql({ config, byScenario }: JoinField, i: number): string {
  const value = requestValue(config, `shared[${i + 1}]`);
  if (byScenario === undefined) return value;
  const cases = [...byScenario].map(([scenario, text]) => `WHEN ${literal(scenario)} THEN ${literal(text)}`);
  return `CASE WHEN shared[${i + 1}] IS NULL THEN CASE scenario ${cases.join(' ')} END ELSE ${value} END`;
}

/** What all items of an answer share. */
function answerColumns(plan: JoinPlan): string[] {
  const { experiment } = plan.config;
  const assigned =
    experiment === undefined
      ? 'CASE WHEN len(experiments) = 1 THEN experiments[1] END'
      : `list_filter(experiments, lambda one: one."key" = ${literal(experiment)})[1]`;
  return [
    'time, request_id, scenario, unit, model, policy',
    `(${assigned}).arm AS arm, (${assigned}).bucket AS bucket`,
    ...sequenceColumns(plan),
  ];
}

function logColumns(plan: JoinPlan): string[] {
  return [
    'make_timestamp(time * 1000) AS log_time',
    'request_id AS log_request_id',
    'item.item_id AS log_item_id',
    'item."position" AS log_position',
    'scenario AS log_scenario',
    'unit AS log_unit',
    'model AS log_model',
    'policy AS log_policy',
    'item.score AS log_score',
    'arm AS log_arm',
    'bucket AS log_bucket',
    'item.propensity.marginal AS log_marginal',
    'item.propensity.log_prefix AS log_prefix',
    'item.team AS log_team',
    'item.shadow_score AS log_shadow_score',
    ...plan.tasks.map(
      ({ name }) =>
        `TRY_CAST(json_extract(item.probabilities, ${pathOf(name)}) AS DOUBLE) AS ${identifier(`log_probability_${name}`)}`,
    ),
    `${weightOf(plan)} AS log_weight`,
  ];
}

/** Answers with what fills their sequences. */
const answersOf = ({ history }: JoinPlan): string =>
  history.length === 0 ? 'impressions' : 'impressions LEFT JOIN filled ON request_id = filled.of_request';

/** Tokens; NULL for a missing item, which the encoder takes for an unknown one. */
const sequenceColumns = ({ sequences, history }: JoinPlan): string[] =>
  (sequences?.types ?? []).map((type, k) => {
    const items = jsonItems(`json_extract(sequences, ${pathOf(type)})`);
    const filled = history.some(({ index }) => index === k) ? [`filled${k}`] : [];
    const found = [`(${items})[-${sequences?.length}:]`, ...filled, '[]::VARCHAR[]'].join(', ');
    return `coalesce(${found}) AS ${identifier(sequenceColumn(type))}`;
  });

/** Is a row without any label 1 and without any that is open? Those alone are sampled. */
const isNegative = ({ tasks, config }: JoinPlan): string =>
  tasks.map((_, k) => `${labelOf(`state${k}`, config.late)} IS NOT DISTINCT FROM 0`).join(' AND ');

/** Mantissa bits of a number, so that the share of the hashes below it is the rate exactly. */
const HASH_BITS = 53;

/** Is it drawn? By a hash of the row, so that every join draws alike. */
function isDrawn({ rate, seed }: NonNullable<JoinPlan['config']['negatives']>): string {
  const hash = `md5_number_upper(${literal(`${seed} `)} || request_id || ' ' || item.item_id) >> ${64 - HASH_BITS}`;
  return `${hash} < ${Math.floor(rate * 2 ** HASH_BITS)}`;
}

function keepsRow(plan: JoinPlan): string {
  const { negatives } = plan.config;
  return negatives === undefined ? 'true' : `NOT (${isNegative(plan)}) OR ${isDrawn(negatives)}`;
}

const weightOf = (plan: JoinPlan): string => {
  const { negatives } = plan.config;
  return negatives === undefined
    ? '1.0'
    : `CASE WHEN ${isNegative(plan)} THEN ${1 / negatives.rate} ELSE 1.0 END::DOUBLE`;
};
