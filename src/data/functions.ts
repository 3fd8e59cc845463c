/**
 * SQL functions written in TypeScript: what SQL would compute differently (the text of a floating-point number, buckets)
 * or cannot (a permutation). DuckDB calls them from its own threads, chunk by chunk.
 */
import { DOUBLE, type DuckDBConnection, DuckDBScalarFunction, VARCHAR } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { type Buckets, bucketOf } from './tokens.ts';

/** Name of the SQL function that prints a DOUBLE as JavaScript does. */
export const NUMBER_TEXT = 'tributary_number_text';

/** Makes `tributary_number_text(DOUBLE)` known to SQL; it is asked about finite numbers only. */
export const registerNumberText = (connection: DuckDBConnection): void =>
  register(connection, NUMBER_TEXT, VARCHAR, (values, output) => {
    for (let i = 0; i < values.length; i++) duckdb.vector_assign_string_element(output, i, String(values[i]));
  });

/** Makes `name(DOUBLE) -> DOUBLE` known to SQL: the bucket of a finite number. */
export const registerBuckets = (connection: DuckDBConnection, name: string, buckets: Buckets): void =>
  register(connection, name, DOUBLE, (values, output) => {
    const result = values.map((value) => bucketOf(buckets, value));
    duckdb.copy_data_to_vector(output, 0, result.buffer, 0, result.byteLength);
  });

/** Makes `name(DOUBLE) -> DOUBLE` known to SQL: an element of `table` by its index. */
export const registerLookup = (connection: DuckDBConnection, name: string, table: Int32Array): void =>
  register(connection, name, DOUBLE, (indices, output) => {
    const result = indices.map((index) => table[index]);
    duckdb.copy_data_to_vector(output, 0, result.buffer, 0, result.byteLength);
  });

/**
 * Makes a function of a DOUBLE known to SQL, on raw vectors: a value at a time costs twenty times more. DuckDB hands
 * NULLs over as arbitrary numbers; the validity of the input becomes that of the output.
 */
function register(
  connection: DuckDBConnection,
  name: string,
  returnType: typeof VARCHAR | typeof DOUBLE,
  fill: (values: Float64Array<ArrayBuffer>, output: duckdb.Vector) => void,
): void {
  const parameterTypes = [DOUBLE];
  const declaration = DuckDBScalarFunction.create({ name, returnType, parameterTypes, mainFunction: () => {} });
  duckdb.scalar_function_set_function(declaration.scalar_function, (_info, input, output) => {
    const rows = duckdb.data_chunk_get_size(input);
    const vector = duckdb.data_chunk_get_vector(input, 0);
    const bytes = duckdb.vector_get_data(vector, rows * 8);
    fill(new Float64Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, rows), output);
    const validity: Uint8Array | null = duckdb.vector_get_validity(vector, Math.ceil(rows / 64) * 8);
    if (validity === null) return; // all valid
    duckdb.vector_ensure_validity_writable(output);
    const { buffer, byteOffset, byteLength } = validity;
    duckdb.copy_data_to_vector_validity(output, 0, buffer as ArrayBuffer, byteOffset, byteLength);
  });
  connection.registerScalarFunction(declaration);
}
