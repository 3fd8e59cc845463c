/** The columns of a source as its files have them. */

import type { Misfit } from '../formats/bind.ts';
import { identifier, literal } from '../sql/text.ts';
import type { Plan } from './plan.ts';
import type { Original, SourceConfig } from './source.ts';

export function originalOf({ nullValues }: SourceConfig, plan: Plan, misfits: ReadonlyMap<string, Misfit>): Original {
  const { asItWas, partitions } = plan;
  const folders = partitions.map(({ column, select }) => ({ column, sql: select[0] }));
  const select = (columns: { sql: string }[], from: string): string =>
    `SELECT ${columns.map(({ sql }) => sql).join(', ')} FROM (${from})`;
  if (asItWas.texts === undefined) {
    const own = asItWas.columns.map((column) => ({ column, sql: identifier(column.name) }));
    const columns = [...own, ...folders];
    const sql = select(columns, asItWas.sql);
    return { columns: columns.map(({ column }) => column), sql, texts: sql };
  }
  // Integers that are printed as they were written are integers; all else of a CSV is text.
  const own = asItWas.columns.map(({ name, type }) => {
    const isInteger = type === 'BIGINT' && (misfits.get(name.toLowerCase())?.respelled ?? 0) === 0;
    const nulls = nullValues.filter((text) => text !== '').map(literal);
    const text =
      nulls.length === 0
        ? identifier(name)
        : `CASE WHEN ${identifier(name)} NOT IN (${nulls}) THEN ${identifier(name)} END`;
    const column = { name, type: isInteger ? 'BIGINT' : 'VARCHAR' };
    return { column, sql: `${isInteger ? `CAST(${text} AS BIGINT)` : text} AS ${identifier(name)}` };
  });
  const columns = [...own, ...folders];
  const texts = [...asItWas.columns.map(({ name }) => ({ sql: identifier(name) })), ...folders];
  return {
    columns: columns.map(({ column }) => column),
    sql: select(columns, asItWas.texts),
    texts: select(texts, asItWas.texts),
  };
}
