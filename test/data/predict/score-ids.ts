/** Scores a file without a model: what its rows are encoded to. */
import { join } from 'node:path';
import { type Prediction, predictInto } from '../../../src/data/predict/predict.ts';
import type { PreparedData } from '../../../src/data/prepared/prepared.ts';
import { readParquetRows, temporaryFolder } from '../support.ts';

export interface ScoredFile {
  /** Of the scored rows in their order: ids of the fields, of the sequences, and the scenario. */
  ids: number[][];
  sequences: number[][];
  scenarios: number[];
  /** All rows as the output has them. */
  rows: Record<string, unknown>[];
  result: Prediction;
}

export async function scoreIds(data: PreparedData, input: string): Promise<ScoredFile> {
  const output = join(temporaryFolder(), 'out.parquet');
  const scored: Pick<ScoredFile, 'ids' | 'sequences' | 'scenarios'> = { ids: [], sequences: [], scenarios: [] };
  const tasks = data.manifest.tasks.length;
  const result = await predictInto({
    data,
    input,
    output,
    score: async ({ size, ids, sequences, scenario }) => {
      const [slots, items] = [ids.length / size, (sequences?.length ?? 0) / size];
      for (let i = 0; i < size; i++) {
        scored.ids.push([...ids.subarray(i * slots, (i + 1) * slots)]);
        scored.sequences.push([...(sequences ?? new Int32Array()).subarray(i * items, (i + 1) * items)]);
        scored.scenarios.push(scenario[i]);
      }
      return new Float32Array(size * tasks);
    },
  });
  return { ...scored, rows: await readParquetRows(output), result };
}
