/** Which fields of a model each table gives: those whose expressions need nothing but its columns, row by row. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../base/errors/index.ts';
import { nearest } from '../base/nearest.ts';
import { columnAmong } from '../data/expressions/as-written.ts';
import { referencedColumns } from '../data/expressions/columns.ts';
import { fieldExpression, fieldUse } from '../data/expressions/places.ts';
import { type Expression, parseExpressions } from '../data/sql/one-expression.ts';
import { sameName } from '../data/sql/text.ts';
import type { FeatureModel, Preparation } from './contract.ts';
import type { OpenTable } from './open.ts';

/** The fields of one table. */
export interface Given {
  table: OpenTable;
  /** Fields that it computes. */
  fields: string[];
  /** Fields that are its id: the request has them. */
  idFields: string[];
}

/** A field: what its expression reads. */
interface Need {
  name: string;
  sql: string;
  /** Columns as the expression names them. */
  columns: string[][];
  /** Is its value that of one row, without a look at other rows? */
  isOfOneRow: boolean;
}

/**
 * Divides the fields of a model among its tables; those of none are sent by requests.
 *
 * @throws FEATURES_FIELD, FEATURES_FIELD_TWICE, FEATURES_FIELD_UNKNOWN, FEATURES_NOTHING
 */
export async function planFields(
  connection: DuckDBConnection,
  model: FeatureModel,
  tables: readonly OpenTable[],
): Promise<Given[]> {
  const needs = await needsOf(connection, model);
  const plan = withoutCopies(tables.map((table) => givenBy(table, model, needs)));
  for (const { name, sql, columns, isOfOneRow } of needs) {
    const giving = plan.filter(({ fields, idFields }) => [...fields, ...idFields].includes(name));
    if (giving.length > 1)
      throw error('FEATURES_FIELD_TWICE', {
        field: name,
        model: model.label,
        tables: giving.map(({ table }) => table.name),
      });
    if (giving.length === 1) continue;
    const reason = whyCrossing(tables, model.preparation, columns, isOfOneRow);
    if (reason !== undefined)
      throw error('FEATURES_FIELD', { field: name, model: model.label, expression: sql, reason });
  }
  for (const { table, fields, idFields } of plan) {
    if (fields.length + idFields.length > 0) continue;
    const needed = [...new Set(needs.flatMap(({ columns }) => columns.map((parts) => parts.join('.'))))];
    throw error('FEATURES_NOTHING', { table: table.name, model: model.label, columns: columnNames(table), needed });
  }
  return plan;
}

/** Leaves the id, where tables are found by the same one, to the first of them. */
function withoutCopies(plan: readonly Given[]): Given[] {
  const idOf = ({ table: { config } }: Given): string => JSON.stringify([config.of, Object.keys(config.on)]);
  return plan.map((given, i) => {
    const before = plan.slice(0, i).filter((other) => idOf(other) === idOf(given));
    const isTaken = (name: string): boolean => before.some(({ idFields }) => idFields.includes(name));
    return { ...given, idFields: given.idFields.filter((name) => !isTaken(name)) };
  });
}

/** What the expressions of the fields read. Fields that requests send are left out. */
async function needsOf(connection: DuckDBConnection, { fields, sent }: FeatureModel): Promise<Need[]> {
  const own = fields.map(({ config }) => config).filter(({ name }) => !sent.includes(name));
  const expressions: Expression[] = own.map((field) => ({ usedBy: fieldUse(field), sql: fieldExpression(field) }));
  const trees = await parseExpressions(connection, expressions);
  const references = await referencedColumns(connection, expressions);
  return own.map(({ name }, i) => ({
    name,
    sql: expressions[i].sql,
    columns: references[i],
    isOfOneRow: !looksAtOtherRows(trees[i]),
  }));
}

/** Does an expression read other rows: by a window, or a subquery? */
function looksAtOtherRows(node: unknown): boolean {
  if (node === null || typeof node !== 'object') return false;
  const { class: kind } = node as { class?: unknown };
  return kind === 'WINDOW' || kind === 'SUBQUERY' || Object.values(node).some(looksAtOtherRows);
}

function givenBy(table: OpenTable, model: FeatureModel, needs: readonly Need[]): Given {
  const { fields: listed } = table.config;
  const known = model.fields.map(({ config }) => config.name);
  for (const field of listed ?? [])
    if (!known.includes(field))
      throw error('FEATURES_FIELD_UNKNOWN', {
        table: table.name,
        field,
        model: model.label,
        near: nearest(field, known),
      });
  const idFields = needs.filter(({ sql }) => isId(table, model.preparation, sql)).map(({ name }) => name);
  const computed = needs.filter(
    ({ name, columns, isOfOneRow }) =>
      !idFields.includes(name) &&
      isOfOneRow &&
      columns.length > 0 &&
      columns.every((column) => has(table, model.preparation, column)),
  );
  const isListed = (name: string): boolean => listed === undefined || listed.includes(name);
  const missing = listed?.find((name) => !idFields.includes(name) && !computed.some((need) => need.name === name));
  const need = needs.find(({ name }) => name === missing);
  if (need !== undefined)
    throw error('FEATURES_FIELD', {
      field: need.name,
      model: model.label,
      expression: need.sql,
      reason: need.isOfOneRow
        ? `the table ${table.name} has the columns ${columnNames(table).join(', ')}`
        : LOOKS_AT_OTHERS,
    });
  return { table, fields: computed.map(({ name }) => name).filter(isListed), idFields };
}

const LOOKS_AT_OTHERS = 'it looks at other rows, which are not those of training';

const columnNames = ({ source }: OpenTable): string[] => source.columns.map(({ name }) => name);

/** Is an expression the id of a table itself: its column, or the column of the examples that it is joined by? */
function isId({ source: { name }, idColumn }: OpenTable, { from, sources, joins }: Preparation, sql: string): boolean {
  const all = Object.entries(sources).map(([source, { columns }]) => ({ name: source, columns }));
  const found = columnAmong([from, ...joins.map((join) => join.source)], all, sql);
  if (found === undefined) return false;
  const isOwn = (source: string, column: string): boolean =>
    sameName(found.source, source) && sameName(found.column.name, column);
  const joined = joins
    .filter((join) => sameName(join.source, name))
    .flatMap(({ on }) => Object.entries(on).filter(([, right]) => sameName(right, idColumn)));
  return isOwn(name, idColumn) || joined.some(([left]) => isOwn(from, left));
}

/** Sources of the preparation that have a column, as an expression names it, with its name in them. */
function placesOf({ sources }: Preparation, [first, second]: string[]): { source: string; column: string }[] {
  const named = Object.keys(sources).find((source) => second !== undefined && sameName(source, first));
  if (named !== undefined) return [{ source: named, column: second }];
  return Object.entries(sources)
    .filter(([, { columns }]) => columns.some(({ name }) => sameName(name, first)))
    .map(([source]) => ({ source, column: first }));
}

/** Does a table have a column that an expression names? */
const has = ({ source }: OpenTable, preparation: Preparation, column: string[]): boolean =>
  placesOf(preparation, column).some(
    (place) => sameName(place.source, source.name) && source.columns.some(({ name }) => sameName(name, place.column)),
  );

/**
 * Why a field that no table gives cannot be left to the requests without a word: it needs a column of a source that a table stands
 * for. Undefined where it needs none; columns of the examples alone are those of the request.
 */
function whyCrossing(
  tables: readonly OpenTable[],
  preparation: Preparation,
  columns: string[][],
  isOfOneRow: boolean,
): string | undefined {
  const touching = columns.flatMap((column) => {
    const table = tables.find((each) => each.config.fields === undefined && standsFor(each, preparation, column));
    return table === undefined ? [] : [{ column: column.join('.'), table, isThere: has(table, preparation, column) }];
  });
  if (touching.length === 0) return undefined;
  if (!isOfOneRow) return LOOKS_AT_OTHERS;
  const others = columns.map((column) => column.join('.')).filter((name) => !touching.some((t) => t.column === name));
  return [
    ...touching.map(({ column, table, isThere }) =>
      isThere ? `${column} is in the table ${table.name}` : `${column} is missing from the table ${table.name}`,
    ),
    ...others.map((column) => `${column} is in no table`),
  ].join(', ');
}

/** Should a table have a column: is it one of the source that it stands for? Of the examples' own source only what it has. */
function standsFor(table: OpenTable, preparation: Preparation, column: string[]): boolean {
  const { from } = preparation;
  const places = placesOf(preparation, column);
  if (sameName(table.source.name, from)) return has(table, preparation, column) && !isIdColumn(table, column);
  const isJoining = places.some(({ source }) => sameName(source, from));
  return !isJoining && places.some(({ source }) => sameName(source, table.source.name));
}

const isIdColumn = ({ idColumn }: OpenTable, column: string[]): boolean =>
  sameName(column[column.length - 1], idColumn);
