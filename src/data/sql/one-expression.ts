/**
 * What SQL a configuration may hold: one expression, over columns and over the configuration's own sources. DuckDB parses it;
 * what its syntax tree may consist of is listed here, so that what DuckDB learns to do later is refused until it is listed, too.
 * This is the first fence; the second is that DuckDB opens no file that was not named when it was opened (`duckdb.ts`).
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import { queryOne } from './duckdb.ts';
import { literal } from './text.ts';

/** An expression and the place in the configuration that it stands at, as the user should read it. */
export interface Expression {
  usedBy: string;
  sql: string;
}

/** A node of DuckDB's syntax tree. */
export interface SqlNode {
  [key: string]: unknown;
}

/** The schema that the views of the sources are in: `sources.users` in a subquery. */
export const SOURCE_SCHEMA = 'sources';

/** Longer expressions are refused before they are parsed. Characters. */
const MOST_CHARACTERS = 100_000;
/** Characters of an expression that a message repeats. */
const MOST_SHOWN = 500;

/**
 * The syntax trees of expressions. Throws DATA_EXPRESSION_INVALID for the first that is not one expression, or that does
 * anything but compute a value of columns and sources.
 */
export async function parseExpressions(connection: DuckDBConnection, expressions: Expression[]): Promise<SqlNode[]> {
  if (expressions.length === 0) return [];
  for (const expression of expressions)
    if (expression.sql.length > MOST_CHARACTERS)
      throw invalid(expression, `it has ${expression.sql.length} characters, at most ${MOST_CHARACTERS} are allowed`);
  // What closes a bracket of ours and goes on cannot do so for both kinds.
  const parse = ({ sql }: Expression, i: number): string[] =>
    [`(${sql}\n)`, `[${sql}\n]`].map((text, k) => `json_serialize_sql(${literal(`SELECT ${text}`)}) AS e${i}_${k}`);
  const row = await queryOne(connection, `SELECT ${expressions.flatMap(parse).join(', ')}`, 'parsing the expressions');
  return expressions.map((expression, i) => {
    const [alone, listed] = [0, 1].map((k) => selected(JSON.parse(String(row[`e${i}_${k}`])), expression));
    const { function_name: name, schema, children } = listed;
    if (name !== 'list_value' || schema !== 'main' || !Array.isArray(children) || children.length !== 1)
      throw invalid(expression, 'expected one expression');
    const reason = whyRefused(alone, { tables: new Set(), inQuery: false });
    if (reason !== undefined) throw invalid(expression, reason);
    const largest = valuesOf(alone);
    if (largest > MOST_VALUES)
      throw invalid(expression, `it asks for a value of ${largest} parts, at most ${MOST_VALUES} are allowed`);
    return alone;
  });
}

/** Parts (characters, entries of a list) of a value that numbers in an expression may ask for. */
const MOST_VALUES = 10_000_000;

/** Functions that make much of little: DuckDB's memory limit does not hold within the computation of one value. */
const ENLARGING_FUNCTIONS = /^(range|generate_series|repeat|lpad|rpad|list_resize|array_resize|bar)$/;

/** How large a value the numbers in an expression ask for: 1 but for the functions that enlarge. */
function valuesOf(node: unknown): number {
  if (node === null || typeof node !== 'object') return 1;
  const parts = Object.values(node);
  const { class: kind, function_name: name } = node as SqlNode;
  const inner = parts.map(valuesOf);
  // What a lambda gives comes once for each entry of the list beside it.
  if (Array.isArray(node)) {
    const isMany = parts.some((part) => (part as SqlNode | null)?.class === 'LAMBDA');
    return isMany ? inner.reduce((product, n) => product * n, 1) : Math.max(1, ...inner);
  }
  const largest = Math.max(1, ...inner);
  if (kind !== 'FUNCTION' || !ENLARGING_FUNCTIONS.test(String(name).toLowerCase())) return largest;
  return largest * Math.max(1, ...numbersIn((node as SqlNode).children));
}

/** The numbers among the arguments of a function, whatever their signs and types. */
function numbersIn(children: unknown): number[] {
  return (children as SqlNode[]).flatMap((child): number[] => {
    if (child.class === 'CAST') return numbersIn([child.child]);
    if (child.class === 'FUNCTION' && ['-', '+', '*'].includes(String(child.function_name))) {
      const parts = numbersIn(child.children);
      return child.function_name === '*' ? [parts.reduce((product, n) => product * n, 1)] : parts;
    }
    const value = child.class === 'CONSTANT' ? (child.value as { value?: unknown }).value : undefined;
    // Decimals and large integers come as objects or texts.
    if (typeof value === 'object' && value !== null) return [Number.POSITIVE_INFINITY];
    return typeof value === 'number' && Number.isFinite(value) ? [Math.abs(value)] : [];
  });
}

const invalid = ({ usedBy, sql }: Expression, reason: string) =>
  error('DATA_EXPRESSION_INVALID', {
    usedBy,
    expression: sql.length <= MOST_SHOWN ? sql : `${sql.slice(0, MOST_SHOWN)}…`,
    reason,
  });

interface Parsed {
  error: boolean;
  error_message?: string;
  statements?: { node: SqlNode }[];
}

/** The one thing that a parsed text selects. */
function selected(parsed: Parsed, expression: Expression): SqlNode {
  if (parsed.error) throw invalid(expression, parsed.error_message ?? 'it is not SQL');
  const node = parsed.statements?.[0]?.node;
  const list = node?.select_list as SqlNode[] | undefined;
  const isAlone =
    parsed.statements?.length === 1 &&
    node?.type === 'SELECT_NODE' &&
    list?.length === 1 &&
    (node.from_table as SqlNode | undefined)?.type === 'EMPTY' &&
    (node.modifiers as unknown[]).length === 0 &&
    ['where_clause', 'having', 'qualify', 'sample'].every((part) => node[part] === null || node[part] === undefined) &&
    ((node.group_expressions as unknown[] | undefined) ?? []).length === 0;
  if (!isAlone || list === undefined) throw invalid(expression, 'expected one expression');
  return list[0];
}

/** Kinds of expressions that compute a value. */
const EXPRESSIONS = new Set([
  'BETWEEN',
  'CASE',
  'CAST',
  'COLLATE',
  'COLUMN_REF',
  'COMPARISON',
  'CONJUNCTION',
  'CONSTANT',
  'FUNCTION',
  'LAMBDA',
  'LAMBDA_REF',
  'OPERATOR',
  'STAR',
  'SUBQUERY',
  'WINDOW',
]);

/** What subqueries and the parts of functions are made of. */
const PARTS = new Set([
  'SELECT_NODE',
  'SET_OPERATION_NODE',
  'EMPTY',
  'BASE_TABLE',
  'JOIN',
  'SUBQUERY',
  'EXPRESSION_LIST',
  'TABLE_FUNCTION',
  'ORDER_MODIFIER',
  'DISTINCT_MODIFIER',
  'LIMIT_MODIFIER',
  'LIMIT_PERCENT_MODIFIER',
  'ORDER_DEFAULT',
  'ASCENDING',
  'DESCENDING',
]);

/** Functions that read or change the state of the program instead of computing a value of their arguments. */
const REFUSED_FUNCTIONS =
  /^(getenv|getvariable|set_config|current_setting|nextval|currval|write_log|setseed|sleep.*|pg_sleep|query|query_table|which_secret|current_query.*|duckdb_.*|pragma_.*|.*serialized_sql)$/;

/** Functions that make several rows of one. */
const MULTIPLYING_FUNCTIONS = /^(unnest|unlist|generate_subscripts|regexp_split_to_table)$/;

interface Scope {
  /** Names that WITH gave to subqueries. */
  tables: ReadonlySet<string>;
  inQuery: boolean;
}

/** Why a part of a syntax tree is not for configurations; undefined where all of it is. */
function whyRefused(node: unknown, scope: Scope): string | undefined {
  if (Array.isArray(node)) return firstOf(node, scope);
  if (node === null || typeof node !== 'object') return undefined;
  const part = node as SqlNode;
  if (typeof part.class === 'string') return whyExpressionRefused(part, scope);
  const { type } = part;
  if (typeof type !== 'string') return firstOf(Object.values(part), scope);
  if (!PARTS.has(type)) return `${words(type)} is not for configurations`;
  if (type === 'BASE_TABLE') return whyTableRefused(part, scope);
  if (type === 'TABLE_FUNCTION') {
    const { function_name: name } = part.function as SqlNode;
    if (String(name).toLowerCase() !== 'unnest')
      return `it reads ${String(name)}(...): expected a source, as ${SOURCE_SCHEMA}.NAME, or unnest(...)`;
  }
  return firstOf(Object.values(part), { tables: withNames(part, scope.tables), inQuery: true });
}

function firstOf(parts: unknown[], scope: Scope): string | undefined {
  for (const part of parts) {
    const reason = whyRefused(part, scope);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function whyExpressionRefused(part: SqlNode, scope: Scope): string | undefined {
  const kind = String(part.class);
  if (!EXPRESSIONS.has(kind)) return `${words(String(part.type))} is not for configurations`;
  if (kind === 'CONSTANT') return undefined;
  if (kind === 'STAR' && !scope.inQuery) return 'it names several columns: expected one value';
  if (kind === 'CAST') return whyRefused(part.child, scope);
  if (kind === 'OPERATOR' && part.type === 'OPERATOR_UNPACK')
    return firstOf(Object.values(part), { ...scope, inQuery: true });
  if (kind === 'FUNCTION' || kind === 'WINDOW') {
    const name = String(part.function_name).toLowerCase();
    const isOwn = [part.schema, part.catalog].every((place) =>
      ['', 'main', 'system', null, undefined].includes(place as string),
    );
    if (!isOwn || REFUSED_FUNCTIONS.test(name)) return `the function ${name} is not for configurations`;
    if (!scope.inQuery && MULTIPLYING_FUNCTIONS.test(name))
      return `${name} makes several rows of one: expected one value`;
  }
  return firstOf(Object.values(part), scope);
}

/** A table is a source, or what WITH named; a name that is neither may be that of a file. */
function whyTableRefused(part: SqlNode, { tables }: Scope): string | undefined {
  const [catalog, schema, table] = [part.catalog_name, part.schema_name, part.table_name].map((name) =>
    String(name ?? ''),
  );
  const isSource = catalog === '' && schema.toLowerCase() === SOURCE_SCHEMA;
  const isNamed = catalog === '' && schema === '' && tables.has(table.toLowerCase());
  if (isSource || isNamed) return undefined;
  const found = [catalog, schema, table].filter((name) => name !== '').join('.');
  return `it reads ${JSON.stringify(found)}: expected a source, as ${SOURCE_SCHEMA}.NAME`;
}

/** The names that a query's WITH adds. Names that could be those of files are none. */
function withNames(query: SqlNode, known: ReadonlySet<string>): ReadonlySet<string> {
  const map = (query.cte_map as { map?: { key: string }[] } | undefined)?.map ?? [];
  if (map.length === 0) return known;
  return new Set([...known, ...map.map(({ key }) => key.toLowerCase()).filter((name) => /^\w+$/.test(name))]);
}

/** RECURSIVE_CTE_NODE -> a recursive cte. */
const words = (type: string): string =>
  `"${type
    .replace(/_(NODE|REF)$/, '')
    .replaceAll('_', ' ')
    .toLowerCase()}"`;

/** What an expression gives: its SQL over the joined rows, NULL where the value is missing, and DuckDB's type of it. */
export interface Value {
  sql: string;
  type: string;
}
