/** The columns that expressions name. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetConfig } from '../../config/dataset.ts';
import { derivedColumn } from '../sources/derive.ts';
import { type Expression, parseExpressions } from '../sql/one-expression.ts';
import { allExpressions } from './places.ts';

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
 * Is a column, by its name, one that expressions or joins of the configuration may need? Undefined if the text does not say.
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
