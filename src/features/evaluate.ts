/** The rows of a table: its ids, and the values of fields by the SQL of preparation. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../base/errors/index.ts';
import { datasetSchema, type ValueField } from '../config/dataset.ts';
import { blameExpression } from '../data/expressions/blame.ts';
import { checkExpressions } from '../data/expressions/check.ts';
import { checkFit } from '../data/expressions/fit.ts';
import { fieldExpression, fieldUse } from '../data/expressions/places.ts';
import { encodedFields } from '../data/prepare/row-values.ts';
import { joinedRelation } from '../data/sources/joined.ts';
import { execute, loadDuckDB, query, queryOne } from '../data/sql/duckdb.ts';
import { identifier } from '../data/sql/text.ts';
import { makeSlots, packTexts } from './keys.ts';
import type { OpenTable } from './open.ts';
import type { FieldColumn, TableColumns } from './table.ts';

/**
 * Computes the fields of a table.
 *
 * @throws FEATURES_DUPLICATE, and what preparation throws about values: DATA_VALUE_TYPE, DATA_FIELD_TYPE,
 *   DATA_EXPRESSION_INVALID, DATA_MEMORY ...
 */
export async function evaluateTable(
  table: OpenTable,
  fields: readonly ValueField[],
): Promise<{ columns: TableColumns; withoutId: number }> {
  const { database, source, settings, idColumn, name } = table;
  const { connection } = database;
  const id: ValueField = { name: freeName(fields), kind: 'categorical', expression: identifier(idColumn) };
  const config = datasetSchema.parse({
    name,
    sources: { [source.name]: settings },
    fields: [...fields, id],
    scenario: { expression: "'none'", values: ['none'] },
    tasks: [{ name: 'none', label: '0' }],
  });
  const expressions = config.fields.map((field) => ({ usedBy: fieldUse(field), sql: fieldExpression(field) }));
  await checkFit(connection, config, [source], expressions);
  const values = await checkExpressions(connection, config, [source], expressions);
  const stored = encodedFields(config, values).map((field) => field.stored);
  const relation = joinedRelation(config, [source]);
  const token = (i: number): string => stored[i].token(`s${i}`);
  const computed = fields.map(({ kind }, i) => `${kind === 'categorical' ? token(i) : `s${i}`} AS v${i}`);
  const given = stored.map(({ expression }, i) => `${expression} AS s${i}`);
  const doing = 'computing the values';
  await execute(
    connection,
    `CREATE TEMP TABLE rows AS SELECT ${[`${token(fields.length)} AS id`, ...computed].join(', ')}
     FROM (SELECT ${given.join(', ')} FROM ${relation})`,
    doing,
  ).catch(async (cause) => {
    throw await blameExpression(connection, config, relation, cause);
  });
  await checkIds(table);
  const { without } = await queryOne(connection, 'SELECT count(*) - count(id) AS without FROM rows', doing);
  const ids = packTexts(await texts(connection, 'SELECT id FROM rows WHERE id IS NOT NULL ORDER BY rowid'));
  const columns: FieldColumn[] = [];
  for (const [i, field] of fields.entries()) columns.push(await columnOf(connection, field, i));
  return { columns: { ids, slots: makeSlots(ids), fields: columns }, withoutId: Number(without) };
}

/** A name that no field has. */
function freeName(fields: readonly ValueField[]): string {
  let name = 'id_of_row';
  while (fields.some((field) => field.name.toLowerCase() === name)) name += '_';
  return name;
}

/** Throws FEATURES_DUPLICATE where an id has several rows. */
async function checkIds({ database: { connection }, name, idColumn }: OpenTable): Promise<void> {
  const [worst] = await query(
    connection,
    `SELECT id, n, count(*) OVER () AS duplicated
     FROM (SELECT id, count(*) AS n FROM rows WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1) ORDER BY n DESC, id LIMIT 1`,
    'looking for duplicate ids',
  );
  if (worst === undefined) return;
  throw error('FEATURES_DUPLICATE', {
    table: name,
    column: idColumn,
    value: String(worst.id),
    rows: Number(worst.n),
    duplicated: Number(worst.duplicated),
  });
}

/** The distinct values of field `i`, and which of them each row has. */
async function columnOf(connection: DuckDBConnection, { name, kind }: ValueField, i: number): Promise<FieldColumn> {
  const doing = `computing the field "${name}"`;
  await execute(
    connection,
    `CREATE OR REPLACE TEMP TABLE distinct_values AS SELECT value, (row_number() OVER (ORDER BY value))::INTEGER AS place
     FROM (SELECT DISTINCT v${i} AS value FROM rows WHERE id IS NOT NULL AND v${i} IS NOT NULL)`,
    doing,
  );
  const value = { categorical: 'value', numeric: 'value', multi: 'to_json(value)::VARCHAR' }[kind];
  const ordered = `SELECT ${value} FROM distinct_values ORDER BY place`;
  const places = await words(
    connection,
    `SELECT coalesce(place, 0)::INTEGER FROM rows LEFT JOIN distinct_values ON v${i} = value WHERE id IS NOT NULL ORDER BY rows.rowid`,
    (buffer, offset, length) => new Uint32Array(buffer, offset, length),
    new Uint32Array(0),
  );
  const values =
    kind === 'numeric'
      ? await words(
          connection,
          ordered,
          (buffer, offset, length) => new Float64Array(buffer, offset, length),
          new Float64Array(0),
        )
      : packTexts(await texts(connection, ordered));
  return { name, kind, places, values };
}

/** The texts that a query gives. */
async function texts(connection: DuckDBConnection, sql: string): Promise<string[]> {
  const found: string[] = [];
  const result = await connection.stream(sql);
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return found;
    for (const value of chunk.getColumnValues(0)) found.push(String(value));
  }
}

/** The numbers that a query gives, none of them NULL, off DuckDB's raw vectors. */
async function words<T extends Uint32Array | Float64Array>(
  connection: DuckDBConnection,
  sql: string,
  view: (buffer: ArrayBuffer, offset: number, length: number) => T,
  none: T,
): Promise<T> {
  const { bindings } = await loadDuckDB();
  const parts: T[] = [];
  const result = await connection.stream(sql);
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    const vector = bindings.data_chunk_get_vector(chunk.chunk, 0);
    const bytes = bindings.vector_get_data(vector, chunk.rowCount * none.BYTES_PER_ELEMENT);
    parts.push(view(bytes.buffer as ArrayBuffer, bytes.byteOffset, chunk.rowCount).slice() as T);
  }
  const all = view(
    new ArrayBuffer(parts.reduce((sum, { byteLength }) => sum + byteLength, 0)),
    0,
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
