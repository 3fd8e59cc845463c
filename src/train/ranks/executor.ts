/**
 * Executor of a training graph over ranks: it runs the stages on the rows of this rank, and between them adds up sums
 * over rows. Its results are those of the whole batch, except values with a row for each row of the batch: they are
 * those of this rank's rows.
 */
import type { Collective } from '../../comm/contract.ts';
import { LEAD, type Port, resolve, SUMS, sumsAfter } from '../../graph/index.ts';
import { scalarValue } from '../../inference/arena/inputs.ts';
import { createExecutor, type Feeds } from '../../inference/executor.ts';
import type { Session, Value } from '../../runtime/contract.ts';
import type { LoadedRows, StepExecutor } from '../step/executor.ts';
import type { RankedGraph } from '../step/graph.ts';

type Ranks = Pick<Collective, 'rank' | 'size' | 'allReduce' | 'broadcast'>;
type Results = Record<string, Value>;

/** Sums of at most so many numbers travel together. */
const SMALL = 64;

/**
 * `sessions`: of the stages; the executor releases them. `feeds`: of the inputs of the whole graph. A batch with fewer rows than
 * ranks leaves some without rows: ONNX Runtime cannot run those.
 */
export function rankedExecutor(
  sessions: readonly Pick<Session, 'inputs' | 'outputs' | 'run' | 'release'>[],
  graph: RankedGraph,
  feeds: Feeds<LoadedRows>,
  ranks: Ranks,
): StepExecutor {
  const kept: Results = {}; // for later stages, by the name of their input
  const made = sessions.flatMap(({ outputs }, stage) => [...outputs, sumsAfter(stage)]);
  const ofStages = Object.fromEntries(made.map((name) => [name, () => kept[name]]));
  const all = { ...feeds, ...ofStages, [LEAD]: scalarValue(ranks.rank === 0 ? 1 : 0) };
  const stages = sessions.map((session) => createExecutor<LoadedRows>(session, all));
  const outputs = graph.stages.map((stage) => stage.outputs);
  return {
    async run(rows, into = {}) {
      const { size, ofBatch = size } = rows;
      for (const [stage, ports] of outputs.entries()) {
        const targets = Object.fromEntries(
          Object.entries(into).filter(([name]) => ports.some((port) => port.name === name)),
        );
        const found = size === 0 ? ofNoRows(ports, targets) : await stages[stage].run(rows, targets);
        Object.assign(kept, found);
        if (!Object.hasOwn(found, SUMS)) continue;
        await ranks.allReduce(numbers(found[SUMS]), 'sum');
        kept[sumsAfter(stage)] = found[SUMS];
      }
      const names = Object.keys(graph.placements);
      const results = Object.fromEntries(names.map((name) => [name, kept[name]]));
      for (const name of Object.keys(kept)) delete kept[name];
      const placedAs = (placement: string) => names.filter((name) => graph.placements[name] === placement);
      await addUp(
        placedAs('sum').map((name) => numbers(results[name])),
        ranks,
      );
      if (ofBatch < ranks.size) for (const name of placedAs('whole')) await ranks.broadcast(numbers(results[name]), 0);
      return results;
    },
    async release() {
      for (const stage of stages) await stage.release();
    },
  };
}

const numbers = ({ data }: Value): Float32Array => data as Float32Array;

/** What a stage gives for no rows: sums are 0. Whole values come from rank 0. */
const ofNoRows = (ports: readonly Port[], into: Results): Results =>
  Object.fromEntries(
    ports.map(({ name, shape, type }) => {
      const dims = resolve(shape, 0);
      const data = into[name]?.data ?? new Float32Array(dims.reduce((product, size) => product * size, 1));
      return [name, { type, shape: dims, data: data.fill(0) }];
    }),
  );

/** Replaces vectors by their sums over ranks. */
async function addUp(vectors: readonly Float32Array[], ranks: Ranks): Promise<void> {
  const small = vectors.filter(({ length }) => length <= SMALL);
  const together = new Float32Array(small.reduce((sum, { length }) => sum + length, 0));
  let from = 0;
  for (const vector of small) {
    together.set(vector, from);
    from += vector.length;
  }
  if (from > 0) await ranks.allReduce(together, 'sum');
  from = 0;
  for (const vector of small) {
    vector.set(together.subarray(from, from + vector.length));
    from += vector.length;
  }
  for (const vector of vectors) if (vector.length > SMALL) await ranks.allReduce(vector, 'sum');
}
