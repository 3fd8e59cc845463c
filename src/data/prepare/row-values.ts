/** SQL of what the rows table holds of a row, over the joined sources. */
import { error } from '../../base/errors/index.ts';
import { type DatasetConfig, type ValueField, valueFields } from '../../config/dataset.ts';
import { checkedValue, type Values } from '../expressions/check.ts';
import { fieldUse, taskUse } from '../expressions/places.ts';
import { present } from '../sql/missing.ts';
import type { Value } from '../sql/one-expression.ts';
import { literal } from '../sql/text.ts';
import { isTextTime, timeText } from '../sql/times.ts';
import { isNumber, isOrdered, isText, type StoredField, storedField, textOf } from '../sql/tokens.ts';
import { scenarioText } from './row-choice.ts';

/** A field that rows bring, with what the SQL of its encoding needs. */
export interface EncodedField {
  field: ValueField;
  /** Position in the configuration: its column is `f<index>`, its mapping the table `mapping<index>`. */
  index: number;
  stored: StoredField;
}

/** How the fields that rows bring are stored in the rows table, in field order. */
export const encodedFields = (config: DatasetConfig, values: Values): EncodedField[] =>
  valueFields(config.fields).map(({ field, index }) => ({
    field,
    index,
    stored: storedField(field, checkedValue(values, fieldUse(field))),
  }));

/** Columns `row`, `f0, f1, ...` (of the fields that rows bring) and `scenario`: what a row needs to be scored. */
export const inputColumns = (config: DatasetConfig, values: Values, row: string): string[] => [
  `${row}::INTEGER AS row`,
  ...encodedFields(config, values).map(({ stored, index }) => `${stored.expression} AS f${index}`),
  `${scenarioIndex(config, values)} AS scenario`,
];

/** Columns `l0, l1, ...`. */
export const labelColumns = (config: DatasetConfig, values: Values): string[] =>
  config.tasks.map((task, i) => `${labelValue(checkedValue(values, taskUse(task)))} AS l${i}`);

/** Index of the scenario, -1 for an unknown value, NULL for none. */
export function scenarioIndex(config: DatasetConfig, values: Values): string {
  const text = scenarioText(values);
  const known = config.scenario.values.map((v) => literal(String(v))).join(', ');
  return `CASE WHEN ${text} IS NOT NULL THEN coalesce(list_position([${known}], ${text}) - 1, -1)::INTEGER END`;
}

/** 0, 1, NULL, or -1 for anything else. Texts may be numbers (`1.0`). */
export function labelValue({ sql, type }: Value): string {
  if (type === 'BOOLEAN') return `${sql}::TINYINT`;
  const is = (value: 0 | 1, word: string): string =>
    isNumber(type)
      ? `${sql} = ${value}`
      : isText(type)
        ? `lower(${sql}::VARCHAR) = '${word}' OR TRY_CAST(${sql}::VARCHAR AS DOUBLE) = ${value}`
        : 'false';
  return `CASE WHEN ${sql} IS NULL THEN NULL WHEN ${is(1, 'true')} THEN 1 WHEN ${is(0, 'false')} THEN 0 ELSE -1 END::TINYINT`;
}

/** What the split needs to know of a row: a time (a text as it is), or the part itself (0 train, 1 validation, 2 test, -1 unknown). */
export function splitKey(config: DatasetConfig, values: Values): string | undefined {
  const { split } = config;
  if (split.kind === 'random') return undefined;
  const { sql, type } = checkedValue(values, 'split');
  if (split.kind === 'time') {
    if (isTextTime(type)) return timeText(sql);
    if (!isOrdered(type))
      throw error('DATA_EXPRESSION_INVALID', {
        usedBy: 'split',
        expression: split.column,
        reason: `a value of type ${type} is not a time`,
      });
    return sql;
  }
  const text = textOf(sql, type);
  if (split.kind === 'column') {
    const parts = [split.train, split.validation, split.test].map(literal);
    return `coalesce(list_position([${parts.join(', ')}], ${text}) - 1, -1)::TINYINT`;
  }
  // Uniform in [0, 1) by a hash of seed and key: a key falls on the same side in every file and on every machine.
  const uniform = `md5_number_upper('${split.seed}:' || coalesce(${text}, ''))::DOUBLE / 18446744073709551616.0`;
  const [train, validation] = split.ratios;
  return `CASE WHEN ${uniform} < ${train} THEN 0 WHEN ${uniform} < ${train + validation} THEN 1 ELSE 2 END::TINYINT`;
}

/** SQL of the weight, NULL where there is none; a text that is no number is none. */
export function weightValue(values: Values): string {
  const { sql, type } = checkedValue(values, 'weight');
  return present(`TRY_CAST(${sql} AS DOUBLE)`, type === 'DOUBLE' ? '' : 'DOUBLE');
}

/**
 * SQL that is true for a weight that cannot be used: missing, not above 0, or beyond what training's 32-bit numbers hold with
 * all their digits.
 */
export const WEIGHT_INVALID = `coalesce(weight NOT BETWEEN ${2 ** -126} AND ${(2 - 2 ** -23) * 2 ** 127}, true)`;

/** SQL of the group's key, NULL where there is none. */
export function groupKey(values: Values): string {
  const { sql, type } = checkedValue(values, 'group');
  return textOf(sql, type);
}
