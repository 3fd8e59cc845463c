/** The smaller graphs: one that answers all scenarios, and one for each. */
import { type Apart, compile, fold, type Tensor } from '../graph/index.ts';
import type { SessionOptions, Value } from '../runtime/contract.ts';
import { createSession } from '../runtime/session.ts';
import type { ServedModel } from './served-model.ts';
import { compileServing, type ServingGraph, type ServingTensors } from './serving-graph.ts';
import { type Decisions, ofAllScenarios, ofScenario, switchesOf } from './switches.ts';

export interface SelectedOptions extends SessionOptions {
  /** Store large weights in eight bits. Default false. */
  int8?: boolean;
}

/** The graph of one scenario, by what was decided of it. */
export function scenarioGraph(
  served: ServedModel,
  tensors: ServingTensors,
  decisions: Decisions,
  scenario: number,
  options: SelectedOptions = {},
): Promise<ServingGraph> {
  const replaced = new Map(
    switchesOf(tensors).map((own) => [
      own.tensor,
      (copy: Tensor) => ofScenario(own, decisions[own.name][scenario], copy),
    ]),
  );
  return written(served, fold(tensors.outputs, { fixed: { scenario: [scenario] }, replaced }), scenario, options);
}

/**
 * The graph of all scenarios. Decisions enter it where they change an answer, or where they leave nothing for a network to say:
 * a table beside a network that runs anyway saves nothing.
 */
export function jointGraph(
  served: ServedModel,
  tensors: ServingTensors,
  decisions: Decisions,
  exact: boolean,
  options: SelectedOptions = {},
): Promise<ServingGraph> {
  const all = ({ name }: { name: string }): boolean => decisions[name].flat().every((value) => value !== null);
  const replaced = new Map(
    switchesOf(tensors)
      .filter((own) => !exact || all(own))
      .map((own) => [own.tensor, (copy: Tensor) => ofAllScenarios(own, decisions[own.name], copy)]),
  );
  return written(served, fold(tensors.outputs, { replaced }), undefined, options);
}

async function written(
  served: ServedModel,
  { outputs, weights }: Apart,
  scenario: number | undefined,
  { int8, ...session }: SelectedOptions,
): Promise<ServingGraph> {
  return compileServing(served, outputs, { scenario, folded: await computed(served, weights, session), int8 });
}

/** What a fold has taken out, as numbers. */
async function computed(
  served: ServedModel,
  weights: Record<string, Tensor>,
  options: SessionOptions,
): Promise<Map<string, Float32Array>> {
  if (Object.keys(weights).length === 0) return new Map();
  const session = await createSession(compile(weights).bytes, options);
  try {
    const feeds = session.inputs.map((name): [string, Value] => {
      const { shape, data } = served.tensors.get(name) as NonNullable<ReturnType<typeof served.tensors.get>>;
      return [name, { type: 'float32', shape, data }];
    });
    const found = await session.run(Object.fromEntries(feeds));
    return new Map(Object.entries(found).map(([name, { data }]) => [name, Float32Array.from(data)]));
  } finally {
    await session.release();
  }
}
