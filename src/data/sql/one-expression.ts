/** Parses the SQL of a configuration: each text is one expression that computes a value of columns and sources. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import { type SqlNode, whyRefused } from './allowed.ts';
import { queryOne } from './duckdb.ts';
import { literal } from './text.ts';
import { valuesOf } from './value-size.ts';

/** An expression and the place in the configuration that it stands at, as the user should read it. */
export interface Expression {
  usedBy: string;
  sql: string;
}

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

/** What an expression gives: its SQL over the joined rows, NULL where the value is missing, and DuckDB's type of it. */
export interface Value {
  sql: string;
  type: string;
}
