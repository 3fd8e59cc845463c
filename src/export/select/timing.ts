/** Times graphs on rows of a scenario. */
import { error } from '../../base/errors/index.ts';
import { rowsOfScenario } from '../../data/prepared/pick.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { ServingGraph } from '../../inference/graphs/serving.ts';
import type { IdRows } from '../../inference/serving/id-rows.ts';
import type { ServingModel } from '../../inference/serving/serving-model.ts';
import type { Proven } from './prove.ts';

/** Rows of the timed batch. */
const TIMED_ROWS = 100;
const ROUNDS = 200;

/**
 * Times the graph of each scenario against the full model: [S]. Eight bits must be faster, so they are also timed against the same
 * graphs without them.
 *
 * @throws SELECT_INT8_USELESS
 */
export async function timeProven(
  serving: ServingModel,
  data: PreparedData,
  { graphs: { before, scenarios }, plain }: Proven,
): Promise<({ before: number; after: number } | null)[]> {
  const compared = scenarios.map((own, s) => [before, own, ...(plain === undefined ? [] : [plain.scenarios[s]])]);
  const times = await timeGraphs(serving, data, compared);
  const slower = times.find((own) => own !== null && plain !== undefined && own[1] >= own[2]);
  if (slower)
    throw error('SELECT_INT8_USELESS', {
      reason: `100 rows take ${slower[1].toFixed(3)} ms, and ${slower[2].toFixed(3)} ms without them`,
    });
  return times.map((own) => own && { before: own[0], after: own[1] });
}

/**
 * Times graphs of each scenario in turn on 100 of its rows: the medians in milliseconds. Null without rows.
 *
 * @param graphs the graphs to compare, per scenario
 */
async function timeGraphs(
  serving: ServingModel,
  data: PreparedData,
  graphs: readonly (readonly ServingGraph[])[],
): Promise<(number[] | null)[]> {
  const found: (number[] | null)[] = [];
  for (const [s, own] of graphs.entries()) {
    const rows = await someRows(data, s);
    const timed = async (graph: ServingGraph) => {
      const executor = await serving.executor(graph);
      return async (): Promise<number> => {
        const started = performance.now();
        await executor.run(rows as IdRows);
        return performance.now() - started;
      };
    };
    found.push(rows === undefined ? null : await inTurn(await Promise.all(own.map(timed))));
  }
  return found;
}

/** Medians of alternating calls, after a tenth of them as warm-up. */
async function inTurn(calls: readonly (() => Promise<number>)[]): Promise<number[]> {
  const times = calls.map((): number[] => []);
  for (let round = -ROUNDS / 10; round < ROUNDS; round++)
    for (const [i, call] of calls.entries()) {
      const taken = await call();
      if (round >= 0) times[i].push(taken);
    }
  return times.map((own) => own.sort((a, b) => a - b)[ROUNDS / 2]);
}

/** A batch of validation rows of a scenario, repeated if it has fewer. */
async function someRows(data: PreparedData, scenario: number): Promise<IdRows | undefined> {
  for await (const batch of data.batches('validation')) {
    const { size, ids, scenario: own, sequences } = rowsOfScenario(batch, scenario);
    if (size === 0) continue;
    const repeated = (from: Int32Array): Int32Array => {
      const width = from.length / size;
      return Int32Array.from({ length: TIMED_ROWS * width }, (_, i) => from[i % from.length]);
    };
    return {
      size: TIMED_ROWS,
      ids: repeated(ids),
      scenario: repeated(own),
      ...(sequences && { sequences: repeated(sequences) }),
    };
  }
  return undefined;
}
