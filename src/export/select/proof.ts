/** Holds the selected graphs against the model as it is, on every row of a split. */
import type { SplitName } from '../../config/dataset.ts';
import type { Evaluation } from '../../config/run.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { Grid } from '../../evaluate/index.ts';
import type { ServingGraph } from '../../inference/graphs/serving.ts';
import type { TrainedModel } from '../../inference/model/trained.ts';
import { batchesOf, feedsOf, openGraph, rowsOfScenario } from '../../inference/serving/rows-session.ts';
import { checkAnswer } from '../../inference/serving/scorer.ts';
import type { Session, SessionOptions, Value } from '../../runtime/contract.ts';
import { newGrid } from '../../train/evaluate-split.ts';

/** Probabilities that differ by more than this are different answers: rounding stays below it. */
export const SAME = 1e-6;

export interface Graphs {
  /** The model as it is. */
  before: ServingGraph;
  joint: ServingGraph;
  /** One for each scenario. */
  scenarios: ServingGraph[];
}

export interface Proof {
  split: SplitName;
  rows: number;
  /** Rows of which a probability of a scenario's graph differs from the model's by more than `SAME`. */
  differing: number;
  /** Largest difference of a probability: of the scenarios' graphs to the model, and of the joint graph to these. */
  largest: number;
  largestJoint: number;
  before: Grid;
  after: Grid;
}

export interface ProofOptions extends SessionOptions {
  /** How the graphs' answers are measured. */
  evaluation: Evaluation;
}

/** Runs all graphs over a split. */
export async function compareGraphs(
  served: TrainedModel,
  { before, joint, scenarios }: Graphs,
  data: PreparedData,
  split: SplitName,
  { evaluation, ...options }: ProofOptions,
): Promise<Proof> {
  const { tasks } = served.data;
  const probabilities = tasks.map((task) => `probability_${task}`);
  const sessions = await Promise.all([before, joint, ...scenarios].map((graph) => openGraph(served, graph, options)));
  const [asBefore, asJoint, ...own] = sessions;
  const grids = [newGrid(data.manifest, evaluation), newGrid(data.manifest, evaluation)];
  const found = { rows: 0, differing: 0, largest: 0, largestJoint: 0 };
  try {
    for await (const batch of batchesOf(data, split)) {
      const expected = await asBefore.run(feedsOf(served.data, batch, asBefore.inputs));
      checkAnswer(expected.logits.data as Float32Array);
      const together = await asJoint.run(feedsOf(served.data, batch, asJoint.inputs));
      const selected = new Float32Array(batch.size * tasks.length); // logits
      for (const [s, session] of own.entries()) {
        const rows = rowsOfScenario(batch, s);
        if (rows.size === 0) continue;
        const answers = await session.run(feedsOf(served.data, rows, session.inputs));
        rows.places.forEach((place, i) => {
          tasks.forEach((_, t) => {
            selected[place * tasks.length + t] = answers.logits.data[i * tasks.length + t];
          });
          const differences = probabilities.map((name) => answers[name].data[i] - expected[name].data[place]);
          const jointly = probabilities.map((name) => answers[name].data[i] - together[name].data[place]);
          const most = largestOf(differences);
          if (!(most <= SAME)) found.differing++;
          found.largest = larger(found.largest, most);
          found.largestJoint = larger(found.largestJoint, largestOf(jointly));
        });
      }
      found.rows += batch.size;
      const { size, labels, scenario, group } = batch;
      grids[0].add({ size, logits: expected.logits.data as Float32Array, labels, scenario, group });
      grids[1].add({ size, logits: selected, labels, scenario, group });
    }
    const [gridBefore, gridAfter] = [await grids[0].finish(), await grids[1].finish()];
    return { split, ...found, before: gridBefore, after: gridAfter };
  } finally {
    for (const grid of grids) grid.dispose();
    await Promise.all(sessions.map((session) => session.release()));
  }
}

/** What is not a number counts as infinitely far. */
const larger = (a: number, b: number): number => (Number.isNaN(b) ? Number.POSITIVE_INFINITY : Math.max(a, b));

const largestOf = (differences: readonly number[]): number => differences.map(Math.abs).reduce(larger, 0);

/** Rows of the batch that is timed. */
const TIMED_ROWS = 100;
const ROUNDS = 200;

/**
 * Times graphs of each scenario in turn, on one thread, on 100 of its rows: the medians in milliseconds. Null without rows.
 *
 * @param graphs of each scenario those to compare
 */
export async function timeGraphs(
  served: TrainedModel,
  graphs: readonly (readonly ServingGraph[])[],
  data: PreparedData,
  options: SessionOptions = {},
): Promise<(number[] | null)[]> {
  const found: (number[] | null)[] = [];
  for (const [s, own] of graphs.entries()) {
    const rows = await someRows(data, s);
    if (rows === undefined) {
      found.push(null);
      continue;
    }
    const sessions = await Promise.all(own.map((graph) => openGraph(served, graph, { ...options, threads: 1 })));
    found.push(await inTurn(sessions.map((session) => timed(session, feedsOf(served.data, rows, session.inputs)))));
    await Promise.all(sessions.map((session) => session.release()));
  }
  return found;
}

const timed = (session: Session, feeds: Record<string, Value>) => async (): Promise<number> => {
  const started = performance.now();
  await session.run(feeds);
  return performance.now() - started;
};

/** Medians of calls that take turns, after a tenth of them for warming up. */
async function inTurn(calls: readonly (() => Promise<number>)[]): Promise<number[]> {
  const times = calls.map((): number[] => []);
  for (let round = -ROUNDS / 10; round < ROUNDS; round++)
    for (const [i, call] of calls.entries()) {
      const taken = await call();
      if (round >= 0) times[i].push(taken);
    }
  return times.map((own) => own.sort((a, b) => a - b)[ROUNDS / 2]);
}

/** A batch of validation rows of a scenario, repeated where it has fewer. */
async function someRows(data: PreparedData, scenario: number) {
  for await (const batch of batchesOf(data, 'validation')) {
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
