/** Fields one by one: of a usable type, not constant, not empty, not a row number. */
import type { ValueField } from '../../config/dataset.ts';
import { numberAdvice } from '../expressions/advice.ts';
import { checkedValue } from '../expressions/check.ts';
import { fieldExpression, fieldUse } from '../expressions/places.ts';
import { query, queryOne } from '../sql/duckdb.ts';
import type { Check } from './check.ts';
import { type Context, SAMPLE } from './context.ts';
import { type Counted, countDistinct } from './counts.ts';
import { number, type Problem, percent } from './finding.ts';
import { MANY_VALUES, OFTEN, rareText } from './size.ts';
import type { CheckedField } from './view.ts';

/** Each field whose texts are counted takes scans of its own. */
const COUNTED = 10;

export const fieldTypes: Check = {
  name: 'field-types',
  pass: ({ fields }) => `${fields.length} fields, each of a type that can be encoded`,
  async run(context) {
    const problems: Problem[] = [];
    let counted = 0;
    for (const field of context.fields) {
      if (field.problem === undefined) continue;
      const isCounted = field.config.kind === 'numeric' && field.type === 'VARCHAR' && counted++ < COUNTED;
      const texts = isCounted ? await countTexts(context, field) : {};
      problems.push({
        level: 'fail',
        ...texts,
        message: `${field.problem.message}${texts.message ?? ''}`,
        about: { field: field.config.name },
      });
    }
    return problems;
  },
};

/** How many texts of a numeric field are no numbers, one of them, and what to do about it. */
async function countTexts(
  context: Context,
  field: CheckedField,
): Promise<{ message?: string; count?: number; of?: number }> {
  const value = checkedValue(context.values, fieldUse(field.config)).sql;
  const noNumber = 'v IS NOT NULL AND coalesce(NOT isfinite(TRY_CAST(v AS DOUBLE)), true)';
  const { bad, all, example } = await queryOne(
    context.connection,
    `SELECT count(*) FILTER (${noNumber}) AS bad, count(*) AS all, mode(v) FILTER (${noNumber}) AS example
     FROM (SELECT ${value} AS v FROM ${context.from()})`,
    `looking at field "${field.config.name}"`,
  );
  const such = example === null ? '' : `. Not a number: ${JSON.stringify(example)}`;
  const message = `${such}. ${await numberAdvice(context, fieldExpression(field.config), context.from())}`;
  return { message, count: Number(bad), of: Number(all) };
}

export const missingValues: Check = {
  name: 'missing-values',
  pass: () => 'no field is missing in more than half of the rows',
  run: (context) =>
    countedFields(context).flatMap(({ config, missing }): Problem[] => {
      if (missing <= context.rows / 2 || missing === context.rows) return [];
      const message = `field "${config.name}" is missing in ${percent(missing / context.rows)} of the rows`;
      return [{ level: 'warn', message, count: missing, of: context.rows }];
    }),
};

export const constantFields: Check = {
  name: 'constant-fields',
  pass: () => 'every field has at least two values',
  run: (context) =>
    countedFields(context).flatMap(({ config, missing, constant }): Problem[] => {
      if (missing === context.rows)
        return [
          {
            level: 'fail',
            message: `field "${config.name}" has no value in any row`,
            about: { field: config.name },
          },
        ];
      if (!constant || missing > 0) return []; // one value or none still says something
      return [{ level: 'warn', message: `field "${config.name}" has the same value in every row: it says nothing` }];
    }),
};

/** From this share of different values on, hardly any value is seen twice. */
const NEARLY_ALL = 0.9;

export const idFields: Check = {
  name: 'id-fields',
  pass: () => 'no categorical field has a value of its own in nearly every row',
  async run(context) {
    const suspects = countedFields(context).filter(
      ({ config, missing, roughlyDistinct }) =>
        config.kind === 'categorical' &&
        config.hash === undefined &&
        isSuspect(context.rows - missing, roughlyDistinct),
    );
    const distinct = await countDistinct(
      context.connection,
      suspects.map((f) => f.column),
    );
    return suspects.flatMap(({ config, missing }, i): Problem[] => {
      const present = context.rows - missing;
      if (distinct[i] < NEARLY_ALL * present) return [];
      const message = `field "${config.name}" has ${number(distinct[i])} values in ${number(present)} rows: hardly any is seen twice, so nothing can be learned from it. Leave it out, or coarsen it`;
      return [{ level: 'warn', message }];
    });
  },
};

export const rareValues: Check = {
  name: 'rare-values',
  pass: () => `values of categorical fields come ${OFTEN} times or more on average`,
  async run(context) {
    const suspects = countedFields(context).filter(
      ({ config, missing, roughlyDistinct }) =>
        config.kind === 'categorical' &&
        config.hash === undefined &&
        roughlyDistinct > MANY_VALUES / 2 &&
        context.rows - missing < 2 * OFTEN * roughlyDistinct, // the sketch may be off by a quarter
    );
    const distinct = await countDistinct(
      context.connection,
      suspects.map((f) => f.column),
    );
    return suspects.flatMap(({ config, missing }, i): Problem[] => {
      const present = context.rows - missing;
      const isNearlyAll = distinct[i] >= NEARLY_ALL * present; // then `id-fields` says so
      if (isNearlyAll || distinct[i] < MANY_VALUES || present >= OFTEN * distinct[i]) return [];
      return [{ level: 'warn', message: rareText(config.name, distinct[i], present), about: { field: config.name } }];
    });
  },
};

export const groups: Check = {
  name: 'group',
  pass: ({ config }) => (config.group === undefined ? 'no group key' : 'groups have several rows each'),
  async run({ connection, group, rows }) {
    if (group === undefined || !isSuspect(rows - group.missing, group.roughlyDistinct)) return [];
    const [distinct] = await countDistinct(connection, ['group_key']);
    if (distinct < NEARLY_ALL * (rows - group.missing)) return [];
    const message = `the group key has ${number(distinct)} values in ${number(rows)} rows: grouped AUC needs groups of several rows`;
    return [{ level: 'warn', message }];
  },
};

/** Whether the sketch leaves it possible that nearly every row has a value of its own. */
const isSuspect = (rows: number, roughlyDistinct: number): boolean => rows >= 100 && roughlyDistinct > 0.6 * rows;

export const duplicates: Check = {
  name: 'duplicate-rows',
  pass: ({ sampleRows, sampleEvery, duplicates, config: { deduplicate = false } }) =>
    `${deduplicate === false ? '' : `${number(duplicates)} left out by "deduplicate"; `}less than 1 % of the rows are copies of another (${looked(sampleRows, sampleEvery)})`,
  async run({ connection, sampleRows, sampleEvery }) {
    const [{ copies }] = await query(
      connection,
      `SELECT count(*) - count(DISTINCT row_hash) AS copies FROM ${SAMPLE}`,
      'looking for duplicate rows',
    );
    if (Number(copies) < 0.01 * sampleRows || sampleRows === 0) return [];
    const message = `${percent(Number(copies) / sampleRows)} of the rows are copies of another, in every column (${looked(sampleRows, sampleEvery)}): they count twice, and may stand in train and test alike`;
    return [{ level: 'warn', message, count: Number(copies), of: sampleRows }];
  },
};

/** Says how many rows a check looked at. */
export const looked = (rows: number, every: number): string =>
  every === 1 ? 'all rows looked at' : `one row in ${every} looked at, ${number(rows)}`;

/** Fields that can be stored, with their column and counts. */
function countedFields({ fields, counted }: Context): (Counted & { config: ValueField; column: string })[] {
  return fields.flatMap(({ config, column }) => {
    const counts = counted.get(config.name);
    return column === undefined || counts === undefined ? [] : [{ config, column, ...counts }];
  });
}
