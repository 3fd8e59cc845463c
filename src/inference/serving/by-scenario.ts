/** Runs rows of any scenarios through the serving graphs: the answers of a server, before calibration. */
import { pickRows } from '../../data/prepared/pick.ts';
import { type Answers, answersOf, type Executor } from '../executor.ts';
import type { IdRows } from './id-rows.ts';

/** The executor of each scenario's graph; the key `undefined` has that of the joint graph. */
export type ByScenario = ReadonlyMap<number | undefined, Executor<IdRows>>;

/** Runs each row through the graph of its scenario if there is one, else the joint graph. Throws MODEL_NOT_FINITE. */
export async function answer(executors: ByScenario, rows: IdRows, tasks: readonly string[]): Promise<Answers> {
  const joint = executors.get(undefined) as Executor<IdRows>;
  if (executors.size === 1) return answersOf(await joint.run(rows), tasks);
  const answers: Answers = {
    logits: new Float32Array(rows.size * tasks.length),
    probabilities: tasks.map(() => new Float32Array(rows.size)),
  };
  for (const [executor, places] of byExecutor(rows, (scenario) => executors.get(scenario) ?? joint)) {
    const { logits, probabilities } = answersOf(await executor.run(pickRows(rows, places)), tasks);
    spread(logits, places, answers.logits);
    for (const [t, own] of probabilities.entries()) spread(own, places, answers.probabilities[t]);
  }
  return answers;
}

/** The indices of the rows that each executor answers. */
function byExecutor({ size, scenario }: IdRows, executorOf: (scenario: number) => Executor<IdRows>) {
  const places = new Map<Executor<IdRows>, number[]>();
  for (let row = 0; row < size; row++) {
    const executor = executorOf(scenario[row]);
    const own = places.get(executor);
    if (own === undefined) places.set(executor, [row]);
    else own.push(row);
  }
  return places;
}

function spread(from: Float32Array, places: readonly number[], into: Float32Array): void {
  const width = from.length / places.length;
  places.forEach((place, i) => {
    into.set(from.subarray(i * width, (i + 1) * width), place * width);
  });
}
