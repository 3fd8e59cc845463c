/**
 * Numbers that become NaN or infinite inside an expression: `clicks / views` of two zeros, a text `nan` that is cast. SQL
 * goes on with them, and NaN > 3 is true; here they are missing. The expression's syntax tree is changed so that what
 * may give such a number gives NULL instead, before anything looks at it.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { SqlNode } from './allowed.ts';
import { queryOne } from './duckdb.ts';
import { literal } from './text.ts';

/** Functions of finite numbers whose value may not be one. */
const SOURCES =
  /^(\/|divide|%|mod|fmod|pow|power|\*\*|\^|exp|sqrt|cbrt|ln|log|log2|log10|sinh|cosh|tan|cot|a?tanh|acosh?|asinh?|gamma|lgamma)$/;
/** Functions that hand such a number on as one: it is enough to look at what comes out in the end. */
const CARRIERS = /^([+*-]|abs|ceil|ceiling|floor|round|trunc)$/;

/** Texts that have nothing to change are not worth parsing again. */
const SUSPICIOUS =
  /[/%^]|\*\*|::|\b(try_)?cast\b|\b(divide|fmod|mod|pow|power|exp|sqrt|cbrt|ln|log|log2|log10|\w*sinh?|\w*cosh?|\w*tanh?|cot|l?gamma)\s*\(/i;

/** The expressions, valid as they are, with NULL in place of numbers that are not finite; equal texts where nothing changes. */
export async function withoutInfinite(connection: DuckDBConnection, expressions: string[]): Promise<string[]> {
  const places = [...expressions.keys()].filter((i) => SUSPICIOUS.test(expressions[i]));
  if (places.length === 0) return expressions;
  const doing = 'parsing the expressions';
  const parse = (sql: string, i: number): string => `json_serialize_sql(${literal(`SELECT (${sql}\n)`)}) AS e${i}`;
  const texts = [PATTERN, ...places.map((i) => expressions[i])];
  const parsed = await queryOne(connection, `SELECT ${texts.map(parse).join(', ')}`, doing);
  const trees = texts.map((_, i) => readTree(String(parsed[`e${i}`])));
  const pattern = selected(trees[0]);
  const changed = places.flatMap((place, k) => {
    const tree = trees[k + 1];
    const before = selected(tree);
    const after = look(before, pattern, 0);
    if (after === before) return [];
    const whole = {
      ...tree,
      statements: [{ ...tree.statements[0], node: { ...tree.statements[0].node, select_list: [after] } }],
    };
    return [{ place, json: writeTree(whole) }];
  });
  if (changed.length === 0) return expressions;
  const write = changed.map(({ json }, i) => `json_deserialize_sql(${literal(json)}) AS e${i}`);
  const written = await queryOne(connection, `SELECT ${write.join(', ')}`, doing);
  const result = [...expressions];
  for (const [i, { place }] of changed.entries()) result[place] = String(written[`e${i}`]).replace(/^SELECT /, '');
  return result;
}

/** What is put in place of a part: `x` stands for it. */
const PATTERN = 'CASE WHEN isfinite(x) THEN x END';

/** Every level writes what it looks at twice. */
const MOST_LEVELS = 6;

export interface Tree {
  statements: { node: { select_list: unknown[] } }[];
}

const selected = (tree: Tree): unknown => tree.statements[0].node.select_list[0];

/** A syntax tree as DuckDB writes it. Integers beyond 2^53 pass through as texts: as numbers they would be others. */
export const readTree = (json: string): Tree =>
  JSON.parse(json.replaceAll(/(?<!\\)":(-?\d{16,})(?=[,}\]])/g, '":"@@$1"')) as Tree;
export const writeTree = (tree: Tree): string => JSON.stringify(tree).replaceAll(/(?<!\\)":"@@(-?\d{16,})"/g, '":$1');

const isNode = (value: unknown): value is SqlNode =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A part of a tree, changed where something in it may not be finite; else the same object. */
function look(part: unknown, pattern: unknown, level: number): unknown {
  if (Array.isArray(part))
    return same(
      part,
      part.map((child) => look(child, pattern, level)),
    );
  if (!isNode(part) || part.class === 'SUBQUERY' || part.class === 'CONSTANT') return part;
  if (!mayBeInfinite(part)) return inside(part, pattern, level);
  if (level >= MOST_LEVELS) return part;
  return fill(pattern, inCarriers(part, pattern, level + 1));
}

/** Looks at the children of a node. */
function inside(node: SqlNode, pattern: unknown, level: number): SqlNode {
  const entries = Object.entries(node).map(([name, child]): [string, unknown] => [name, look(child, pattern, level)]);
  return entries.some(([name, child]) => child !== node[name]) ? Object.fromEntries(entries) : node;
}

/** Looks at what stands below the arithmetic that hands numbers on. */
function inCarriers(part: unknown, pattern: unknown, level: number): unknown {
  if (!isNode(part) || !(isSource(part) || isCarrier(part))) return look(part, pattern, level);
  const through = (child: unknown): unknown => inCarriers(child, pattern, level);
  if (part.class === 'CAST') return { ...part, child: through(part.child) };
  const children = part.children as unknown[];
  // Others make something finite of an infinity: 1 / infinity, exp(-infinity).
  const passing = isCarrier(part) ? children.length : nameOf(part) === '/' ? 1 : 0;
  const changed = children.map((child, i) => (i < passing ? through(child) : look(child, pattern, level)));
  return { ...part, children: changed };
}

const nameOf = ({ function_name }: SqlNode): string => String(function_name).toLowerCase();

const isSource = (node: SqlNode): boolean =>
  node.class === 'FUNCTION'
    ? SOURCES.test(nameOf(node))
    : node.class === 'CAST' && ['FLOAT', 'DOUBLE'].includes(String((node.cast_type as SqlNode).id));

const isCarrier = (node: SqlNode): boolean => node.class === 'FUNCTION' && CARRIERS.test(nameOf(node));

/** Is it such a number, or arithmetic over one? */
const mayBeInfinite = (node: unknown): boolean =>
  isNode(node) && (isSource(node) || (isCarrier(node) && (node.children as unknown[]).some(mayBeInfinite)));

/** The pattern with a tree in place of x. */
function fill(pattern: unknown, tree: unknown): unknown {
  if (Array.isArray(pattern)) return pattern.map((child) => fill(child, tree));
  if (!isNode(pattern)) return pattern;
  if (pattern.class === 'COLUMN_REF') return tree;
  return Object.fromEntries(Object.entries(pattern).map(([name, child]) => [name, fill(child, tree)]));
}

const same = (before: unknown[], after: unknown[]): unknown[] =>
  after.some((child, i) => child !== before[i]) ? after : before;
