/** The probabilities of a file's rows on their way into its output. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { execute, loadDuckDB } from '../sql/duckdb.ts';
import { duckdbError } from '../sql/errors.ts';

/** The table `predictions` (p0 p1 ...), filled batch by batch on raw vectors. */
export async function openPredictions(connection: DuckDBConnection, tasks: number) {
  const { api, bindings } = await loadDuckDB();
  const columns = Array.from({ length: tasks }, (_, t) => `p${t}`);
  await execute(
    connection,
    `CREATE TABLE predictions (${columns.map((c) => `${c} FLOAT`).join(', ')})`,
    'keeping the predictions',
  );
  const appender = await connection.createAppender('predictions');
  const size = bindings.vector_size();
  const chunk = api.DuckDBDataChunk.create(
    columns.map(() => api.FLOAT),
    size,
  );
  const column = new Float32Array(size);
  return {
    append(probabilities: Float32Array, rows: number): void {
      for (let at = 0; at < rows; at += size) {
        const count = Math.min(size, rows - at);
        chunk.reset();
        chunk.rowCount = count;
        for (let t = 0; t < tasks; t++) {
          for (let i = 0; i < count; i++) column[i] = probabilities[(at + i) * tasks + t];
          bindings.copy_data_to_vector(bindings.data_chunk_get_vector(chunk.chunk, t), 0, column.buffer, 0, count * 4);
        }
        inDuckDB(() => appender.appendDataChunk(chunk));
      }
    },
    close: () => inDuckDB(() => appender.closeSync()),
  };
}

/** Runs a step of DuckDB, whose errors become the catalogue's. */
function inDuckDB(step: () => void): void {
  try {
    step();
  } catch (cause) {
    throw duckdbError(cause, 'keeping the predictions');
  }
}
