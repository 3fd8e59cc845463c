/**
 * What SQL a configuration may hold: all that its syntax tree may consist of is listed here, so that what DuckDB learns to do
 * later is refused until it is listed, too. This is the first fence; the second is that DuckDB opens no file that was not named
 * when it was opened (`duckdb.ts`).
 */

/** A node of DuckDB's syntax tree. */
export interface SqlNode {
  [key: string]: unknown;
}

/** The schema that the views of the sources are in: `sources.users` in a subquery. */
export const SOURCE_SCHEMA = 'sources';

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
export function whyRefused(node: unknown, scope: Scope): string | undefined {
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
