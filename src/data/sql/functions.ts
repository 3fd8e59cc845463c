/**
 * SQL functions written in TypeScript: what SQL would compute differently (the text of a floating-point number, buckets)
 * or cannot (a permutation). DuckDB calls them from its own threads, chunk by chunk.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type duckdb from '@duckdb/node-bindings';
import { type Buckets, bucketOf } from '../encode/tokens.ts';
import { type Bindings, loadDuckDB } from './duckdb.ts';

/** Name of the SQL function that prints a DOUBLE as JavaScript does. */
export const NUMBER_TEXT = 'tributary_number_text';

/** Makes `tributary_number_text(DOUBLE)` known to SQL; it is asked about finite numbers only. */
export const registerNumberText = (connection: DuckDBConnection): Promise<void> =>
  register(connection, NUMBER_TEXT, 'VARCHAR', (values, output, bindings) => {
    for (let i = 0; i < values.length; i++) bindings.vector_assign_string_element(output, i, String(values[i]));
  });

/** Makes `name(DOUBLE) -> DOUBLE` known to SQL: the bucket of a finite number. */
export const registerBuckets = (connection: DuckDBConnection, name: string, buckets: Buckets): Promise<void> =>
  register(connection, name, 'DOUBLE', (values, output, bindings) => {
    const result = values.map((value) => bucketOf(buckets, value));
    bindings.copy_data_to_vector(output, 0, result.buffer, 0, result.byteLength);
  });

/** Makes `name(DOUBLE) -> DOUBLE` known to SQL: an element of `table` by its index. */
export const registerLookup = (connection: DuckDBConnection, name: string, table: Int32Array): Promise<void> =>
  register(connection, name, 'DOUBLE', (indices, output, bindings) => {
    const result = indices.map((index) => table[index]);
    bindings.copy_data_to_vector(output, 0, result.buffer, 0, result.byteLength);
  });

/**
 * Makes a function of a DOUBLE known to SQL, on raw vectors: a value at a time costs twenty times more. DuckDB hands
 * NULLs over as arbitrary numbers; the validity of the input becomes that of the output.
 */
async function register(
  connection: DuckDBConnection,
  name: string,
  returns: 'VARCHAR' | 'DOUBLE',
  fill: (values: Float64Array<ArrayBuffer>, output: duckdb.Vector, bindings: Bindings) => void,
): Promise<void> {
  const { api, bindings } = await loadDuckDB();
  const [returnType, parameterTypes] = [api[returns], [api.DOUBLE]];
  const declaration = api.DuckDBScalarFunction.create({ name, returnType, parameterTypes, mainFunction: () => {} });
  bindings.scalar_function_set_function(declaration.scalar_function, (_info, input, output) => {
    const rows = bindings.data_chunk_get_size(input);
    const vector = bindings.data_chunk_get_vector(input, 0);
    const bytes = bindings.vector_get_data(vector, rows * 8);
    fill(new Float64Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, rows), output, bindings);
    const validity: Uint8Array | null = bindings.vector_get_validity(vector, Math.ceil(rows / 64) * 8);
    if (validity === null) return; // all valid
    bindings.vector_ensure_validity_writable(output);
    const { buffer, byteOffset, byteLength } = validity;
    bindings.copy_data_to_vector_validity(output, 0, buffer as ArrayBuffer, byteOffset, byteLength);
  });
  connection.registerScalarFunction(declaration);
}
