/**
 * Hard flow gates while retraining. After the search the gate network and its table are frozen, so a row's gates never change: they
 * are computed once per split and stored as bits, and retraining skips the gate network (section 9 of the AutoIFS notes).
 */
import type { Collective } from '../../comm/contract.ts';
import type { SplitReader } from '../../data/prepared/prepared.ts';
import type { GateSource } from '../../inference/arena/gates.ts';
import { firstRow, rowsOfRank } from '../ranks/rows.ts';

/** How often each flow is kept: counts per scenario, and per scenario, task and flow. */
export interface KeepCounts {
  rows: Float64Array;
  /** [S, T, flows] */
  kept: Float64Array;
}

/** Gates of a whole split, and their keep-rates. */
export interface CachedGates {
  gates: GateSource;
  counts: KeepCounts;
}

/**
 * Computes and stores the gates of a whole split: each rank those of its rows, and all ranks get them all. Memory: `width` bits per row,
 * rounded up to bytes.
 */
export async function cacheGates(
  reader: SplitReader,
  source: GateSource,
  sizes: { batchSize: number; width: number; scenarios: number; tasks: number },
  ranks: Collective,
): Promise<CachedGates> {
  const { width, tasks } = sizes;
  const stride = Math.ceil(width / 8);
  const words = new Int32Array(Math.ceil((reader.rows * stride) / 4));
  const bits = new Uint8Array(words.buffer);
  const hard = new Float32Array(sizes.batchSize * width);
  const counts: KeepCounts = {
    rows: new Float64Array(sizes.scenarios),
    kept: new Float64Array(sizes.scenarios * width),
  };
  for await (const all of reader.batches({ batchSize: sizes.batchSize })) {
    const batch = rowsOfRank(all, ranks);
    await source.fill(batch.size > 0 ? batch : firstRow(all), hard);
    for (let i = 0; i < batch.size; i++) {
      const scenario = batch.scenario[i];
      counts.rows[scenario]++;
      for (let g = 0; g < width; g++) {
        if (hard[i * width + g] === 1) bits[batch.row[i] * stride + (g >> 3)] |= 1 << (g & 7);
        else counts.kept[scenario * width + keptIndex(g, width, tasks)]++;
      }
    }
  }
  await ranks.allReduce(words, 'sum'); // no bit is set on two ranks
  await ranks.allReduce(counts.rows, 'sum');
  await ranks.allReduce(counts.kept, 'sum');
  const gates: GateSource = {
    fill(batch, out) {
      for (let i = 0; i < batch.size; i++)
        for (let g = 0; g < width; g++) out[i * width + g] = (bits[batch.row[i] * stride + (g >> 3)] >> (g & 7)) & 1;
    },
  };
  return { gates, counts };
}

/** Gates are stored flow by flow (k*T + t), reports are task by task (t*flows + k). */
const keptIndex = (gate: number, width: number, tasks: number): number =>
  (gate % tasks) * (width / tasks) + Math.floor(gate / tasks);

/** Keep-rates [S][T][flow]; null for a scenario without rows. */
export function keepRates({ rows, kept }: KeepCounts, tasks: number): (number | null)[][][] {
  const perScenario = kept.length / rows.length;
  const flows = perScenario / tasks;
  return Array.from(rows, (count, s) =>
    Array.from({ length: tasks }, (_, t) =>
      Array.from({ length: flows }, (_, k) => (count === 0 ? null : kept[s * perScenario + t * flows + k] / count)),
    ),
  );
}
