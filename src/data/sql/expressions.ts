/** SQL expressions of a configuration: which columns they name, whether those exist, and what type they give. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error, TributaryError } from '../../base/errors/index.ts';
import { nearest } from '../../base/nearest.ts';
import type { DatasetConfig } from '../../config/dataset.ts';
import { type Use, valueAsWritten } from '../sources/as-written.ts';
import { baseSource, derivedColumn, joinedRelation, type Source } from '../sources/sources.ts';
import { duckdbError, embed, identifier } from './duckdb.ts';
import { withoutInfinite } from './finite.ts';
import { present } from './missing.ts';
import { type Expression, parseExpressions } from './one-expression.ts';

/** What an expression gives: its SQL over the joined rows, NULL where the value is missing, and DuckDB's type of it. */
export interface Value {
  sql: string;
  type: string;
}

/** The values of a configuration's expressions by their `usedBy`, as `checkExpressions` gives them. */
export type Values = ReadonlyMap<string, Value>;

/** The value of an expression that was checked. */
export function checkedValue(values: Values, usedBy: string): Value {
  const value = values.get(usedBy);
  if (value === undefined) throw new Error(`the expression of ${usedBy} was not checked`);
  return value;
}

/** The places of fields and tasks in the configuration. */
export const fieldUse = ({ name }: { name: string }): string => `field "${name}"`;
export const taskUse = ({ name }: { name: string }): string => `task "${name}"`;

/** The expression of a field: its own, or the column of its name. */
export const fieldExpression = (field: { name: string; expression?: string }): string =>
  field.expression ?? identifier(field.name);

/** Every expression of a configuration; their `usedBy` are unique except for those of groupRowsBy. */
export function allExpressions(config: DatasetConfig): Expression[] {
  const optional = (usedBy: string, sql: string | undefined): Expression[] =>
    sql === undefined ? [] : [{ usedBy, sql }];
  return [
    ...config.fields.map((f) => ({ usedBy: fieldUse(f), sql: fieldExpression(f) })),
    { usedBy: 'scenario', sql: config.scenario.expression },
    ...config.tasks.map((t) => ({ usedBy: taskUse(t), sql: t.label })),
    ...optional('where', config.where),
    ...optional('weight', config.weight),
    ...optional('group', config.group),
    ...optional('split', 'column' in config.split ? config.split.column : undefined),
    ...deduplicateExpressions(config),
    ...sequenceExpressions(config),
    ...config.groupRowsBy.map((column) => ({ usedBy: 'groupRowsBy', sql: identifier(column) })),
  ];
}

export const deduplicateUse = (place: number): string => `deduplicate.by.${place}`;

const deduplicateExpressions = ({ deduplicate }: DatasetConfig): Expression[] =>
  typeof deduplicate === 'object' ? deduplicate.by.map((sql, i) => ({ usedBy: deduplicateUse(i), sql })) : [];

/** The places of the sequences' expressions in the configuration. */
export const SEQUENCE_KEY = 'sequences.key';
export const SEQUENCE_TIME = 'sequences.time';
export const sequenceType = (type: string): string => `sequences.types.${type}`;

/** Name of a type's column in an encoded file, and in a file to be scored. */
export const sequenceColumn = (type: string): string => `sequence_${type}`;

/** The lists of items that rows to be scored bring along. */
export const givenSequences = ({ sequences }: DatasetConfig): Expression[] =>
  Object.keys(sequences?.types ?? {}).map((type) => ({
    usedBy: `sequence "${type}"`,
    sql: identifier(sequenceColumn(type)),
  }));

const sequenceExpressions = ({ sequences }: DatasetConfig): Expression[] =>
  sequences === undefined
    ? []
    : [
        { usedBy: SEQUENCE_KEY, sql: sequences.key },
        { usedBy: SEQUENCE_TIME, sql: sequences.time },
        ...Object.entries(sequences.types).map(([type, condition]) => ({ usedBy: sequenceType(type), sql: condition })),
      ];

/** A column reference: `["rating"]`, `["users", "age"]`, or a path into a struct. */
type Reference = string[];

/**
 * The columns that each expression names. Throws DATA_EXPRESSION_INVALID where one is not one SQL expression, or does what
 * is not for configurations: nothing of the user runs before it went through here.
 */
export async function referencedColumns(
  connection: DuckDBConnection,
  expressions: Expression[],
): Promise<Reference[][]> {
  const trees = await parseExpressions(connection, expressions);
  return trees.map((tree) => {
    const found: Reference[] = [];
    collect(tree, new Set(), found);
    return found;
  });
}

/** Text that may name columns without their names: a subquery, a star, COLUMNS. */
const NAMES_OTHERS = /\bselect\b|\.\s*\*|\(\s*\*|\bcolumns\s*\(/i;

/**
 * Is a column, by its name, one that expressions or joins of the configuration may need? Undefined where that cannot be told.
 */
export async function neededColumns(
  connection: DuckDBConnection,
  config: DatasetConfig,
  expressions: Expression[] = allExpressions(config),
): Promise<((column: string) => boolean) | undefined> {
  const derived = Object.entries(config.sources).flatMap(([name, { derive = {} }]) =>
    Object.entries(derive).map(([column, sql]) => ({ usedBy: derivedColumn(name, column), sql })),
  );
  const all = [...expressions, ...derived];
  const references = (await referencedColumns(connection, all)).flat();
  const isWhole = references.some(([first, ...rest]) => rest.length === 0 && Object.hasOwn(config.sources, first));
  if (isWhole || config.deduplicate === true || all.some(({ sql }) => NAMES_OTHERS.test(sql))) return undefined;
  const keys = config.joins.flatMap(({ on }) => Object.entries(on).flat());
  const named = new Set([...references.flat(), ...keys].map((name) => name.toLowerCase()));
  return (column) => named.has(column.toLowerCase());
}

/** Walks DuckDB's syntax tree. Parameters of lambdas are no columns; subqueries have columns of their own. */
function collect(node: unknown, parameters: Set<string>, found: Reference[]): void {
  if (Array.isArray(node)) {
    for (const child of node) collect(child, parameters, found);
    return;
  }
  if (node === null || typeof node !== 'object') return;
  const { class: kind, column_names: names, lhs } = node as { class?: string; column_names?: string[]; lhs?: unknown };
  if (kind === 'SUBQUERY') return;
  if (kind === 'COLUMN_REF' && names !== undefined) {
    if (!parameters.has(names[0])) found.push(names);
    return;
  }
  if (kind === 'LAMBDA') {
    const own: Reference[] = [];
    collect(lhs, new Set(), own);
    const inner = new Set([...parameters, ...own.map((n) => n[0])]);
    collect((node as { expr?: unknown }).expr, inner, found);
    return;
  }
  for (const child of Object.values(node)) collect(child, parameters, found);
}

/**
 * Checks that all columns exist, then that every expression fits the types, without reading a row. Returns what each
 * expression gives. Throws DATA_COLUMNS_MISSING (all of them at once), DATA_EXPRESSION_INVALID.
 */
export async function checkExpressions(
  connection: DuckDBConnection,
  config: DatasetConfig,
  sources: Source[],
  expressions: Expression[] = allExpressions(config),
): Promise<Values> {
  const missing: { column: string; usedBy: string; nearest?: string }[] = [];
  const joined = [baseSource(config), ...config.joins.map((j) => j.source)];
  const available = [
    ...new Set(joined.flatMap((name) => sources.find((s) => s.name === name)?.columns.map((c) => c.name) ?? [])),
  ];
  const has = (names: string[], column: string) => names.some((n) => n.toLowerCase() === column.toLowerCase());
  const note = (column: string, usedBy: string, among: string[]) => {
    if (!missing.some((m) => m.column === column && m.usedBy === usedBy))
      missing.push({ column, usedBy, nearest: nearest(column, among, likely(column)) });
  };
  config.joins.forEach(({ source, on }, i) => {
    const left = joined
      .slice(0, i + 1)
      .flatMap((name) => sources.find((s) => s.name === name)?.columns.map((c) => c.name) ?? []);
    const right = sources.find((s) => s.name === source)?.columns.map((c) => c.name) ?? [];
    for (const [to, from] of Object.entries(on)) {
      if (!has(left, to)) note(to, `the join with "${source}", left side`, left);
      if (!has(right, from)) note(from, `the join with "${source}", right side`, right);
    }
  });
  const references = await referencedColumns(connection, expressions);
  for (const [i, { usedBy }] of expressions.entries())
    for (const reference of references[i]) {
      const column = reference.length > 1 && has(joined, reference[0]) ? reference[1] : reference[0];
      if (!has(available, column)) note(column, usedBy, available);
    }
  if (missing.length > 0) throw error('DATA_COLUMNS_MISSING', { missing, available });
  const relation = joinedRelation(config, sources);
  const finite = await finiteExpressions(connection, relation, expressions);
  const types = await expressionTypes(connection, relation, finite);
  const uses = columnUses(config);
  return new Map(
    finite.map(({ usedBy, sql }, i) => {
      const use = uses.get(usedBy);
      const written = use && valueAsWritten(config, sources, expressions[i].sql, use);
      return [usedBy, written ?? { sql: present(embed(sql), types[i]), type: types[i] }];
    }),
  );
}

/** The expressions with NULL for what is not finite, as far as DuckDB takes them so: an interval may be divided, too. */
async function finiteExpressions(
  connection: DuckDBConnection,
  relation: string,
  expressions: Expression[],
): Promise<Expression[]> {
  const texts = await withoutInfinite(
    connection,
    expressions.map(({ sql }) => sql),
  );
  const changed = expressions.map((expression, i) => ({ ...expression, sql: texts[i] }));
  const result: Expression[] = [];
  for (const [i, expression] of changed.entries()) {
    const isUsable = expression.sql === expressions[i].sql || (await fits(connection, relation, expression.sql));
    result.push(isUsable ? expression : expressions[i]);
  }
  return result;
}

const fits = (connection: DuckDBConnection, relation: string, sql: string): Promise<boolean> =>
  connection.run(`DESCRIBE SELECT ${embed(sql)} FROM ${relation}`).then(
    () => true,
    () => false,
  );

/** What the expressions of a configuration take of a column, where they are one, by their `usedBy`; others compute with it. */
export function columnUses(config: DatasetConfig): Map<string, Use> {
  const fields = config.fields.map((field): [string, Use] => [
    fieldUse(field),
    field.kind === 'numeric' ? 'number' : field.kind === 'multi' ? { separator: field.separator } : 'text',
  ]);
  const given = givenSequences(config).map(({ usedBy }): [string, Use] => [usedBy, { separator: '|' }]);
  return new Map([...fields, ...given, ['scenario', 'text'], ['group', 'text'], [SEQUENCE_KEY, 'text']]);
}

/** DuckDB's types of expressions over a relation. Throws DATA_EXPRESSION_INVALID. */
async function expressionTypes(
  connection: DuckDBConnection,
  relation: string,
  expressions: Expression[],
): Promise<string[]> {
  try {
    const values = expressions.map(({ sql }, i) => `${embed(sql)} AS value${i}`).join(', ');
    const result = await connection.runAndReadAll(`DESCRIBE SELECT ${values} FROM ${relation}`);
    return result.getRowObjectsJS().map((row) => String(row.column_type));
  } catch (cause) {
    const [{ usedBy, sql }, ...others] = expressions;
    if (others.length === 0)
      throw error('DATA_EXPRESSION_INVALID', { usedBy, expression: sql, reason: reasonOf(cause, usedBy) }, cause);
    // Which of them does not fit? One by one only now, for every query opens the sources anew.
    const types: string[] = [];
    for (const expression of expressions) types.push(...(await expressionTypes(connection, relation, [expression])));
    return types;
  }
}

/**
 * After a query over many expressions failed: the error of the first expression that fails alone, else `cause`. A value
 * that an expression cannot take (a text in a CAST) shows only while rows are read.
 */
export async function blameExpression(
  connection: DuckDBConnection,
  config: DatasetConfig,
  relation: string,
  cause: unknown,
): Promise<unknown> {
  if (!(cause instanceof TributaryError) || cause.code !== 'DATA_FAILED') return cause;
  for (const { usedBy, sql } of allExpressions(config)) {
    try {
      await connection.run(`SELECT count(hash(${embed(sql)})) FROM ${relation}`);
    } catch (own) {
      return error('DATA_EXPRESSION_INVALID', { usedBy, expression: sql, reason: reasonOf(own, usedBy) }, own);
    }
  }
  return cause;
}

/** DuckDB's reason, without the query. */
const reasonOf = (cause: unknown, doing: string): string =>
  (duckdbError(cause, doing) as { details?: { reason?: string } }).details?.reason ?? 'it does not fit the data';

/** A name that takes more edits than these is hardly the one that was meant. */
const likely = (column: string): number => Math.max(1, Math.floor(column.length / 3));
