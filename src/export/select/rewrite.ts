/** The smaller graphs: a joint one for all scenarios, and one for each. */
import {
  add,
  concat,
  evaluateWeights,
  expand,
  fold,
  matmul,
  mul,
  oneHot,
  type Program,
  slice,
  type Tensor,
  transpose,
} from '../../graph/index.ts';
import type { ServingGraph } from '../../inference/graphs/serving.ts';
import type { ServingModel } from '../../inference/serving/serving-model.ts';
import type { Decisions, Switches } from './switches.ts';

/** What selection makes of a model. */
export interface Graphs {
  /** The full model. */
  before: ServingGraph;
  joint: ServingGraph;
  /** One for each scenario. */
  scenarios: ServingGraph[];
}

export interface Folding {
  /** Merge matrix products if that saves multiply-adds; this changes rounding. Default true. */
  merge?: boolean;
  /** Store large weights in eight bits. Default false. */
  int8?: boolean;
}

/** All graphs for given folding options. The full model is the same for all options. */
export function rewriter(
  serving: ServingModel,
  switches: readonly Switches[],
  decisions: Decisions,
  exact: boolean,
): (how: Folding) => Graphs {
  const before = serving.compile(serving.tensors.outputs);
  return (how) => ({
    before,
    joint: jointGraph(serving, switches, decisions, exact, how),
    scenarios: serving.trained.data.scenarios.map((_, s) => scenarioGraph(serving, switches, decisions, s, how)),
  });
}

/** The graph of one scenario with its decisions. */
function scenarioGraph(
  serving: ServingModel,
  switches: readonly Switches[],
  decisions: Decisions,
  scenario: number,
  how: Folding,
): ServingGraph {
  const replaced = new Map(
    switches.map((own) => [own.tensor, (copy: Tensor) => ofScenario(own, decisions[own.name][scenario], copy)]),
  );
  const folded = fold(serving.tensors.outputs, { fixed: { scenario: [scenario] }, replaced }, how.merge);
  return written(serving, folded, scenario, how);
}

/**
 * The joint graph of all scenarios. It uses decisions if they change an answer, or if they make a network unnecessary: a table saves
 * nothing if the network runs anyway.
 */
function jointGraph(
  serving: ServingModel,
  switches: readonly Switches[],
  decisions: Decisions,
  exact: boolean,
  how: Folding,
): ServingGraph {
  const all = ({ name }: { name: string }): boolean => decisions[name].flat().every((value) => value !== null);
  const replaced = new Map(
    switches
      .filter((own) => !exact || all(own))
      .map((own) => [own.tensor, (copy: Tensor) => ofAllScenarios(own, decisions[own.name], copy)]),
  );
  return written(serving, fold(serving.tensors.outputs, { replaced }, how.merge), undefined, how);
}

/** Replaces switches in the graph of one scenario: decided ones are constants, the network computes the others. */
function ofScenario({ axis, count }: Switches, decided: readonly (0 | 1 | null)[], copy: Tensor): Tensor {
  const { graph } = copy;
  if (decided.every((value) => value !== null)) return graph.constant(decided, axis === 1 ? [1, count] : [count, 1]);
  if (decided.every((value) => value === null)) return copy;
  const parts = decided.map((value, i) => {
    if (value === null) return slice(copy, axis, i, i + 1);
    return expand(graph.constant(value), axis === 1 ? ['B', 1] : [1, 'B']);
  });
  return concat(parts, axis);
}

/** Replaces switches in the joint graph: a table of the decisions, and the network for undecided ones. */
function ofAllScenarios({ axis, count }: Switches, decided: readonly (0 | 1 | null)[][], copy: Tensor): Tensor {
  if (decided.flat().every((value) => value === null)) return copy;
  const own = oneHot(copy.graph.input('scenario', ['B'], 'int32'), decided.length); // [B,S]
  const table = (holds: (value: 0 | 1 | null) => boolean): Tensor => {
    const values = decided.flat().map((value) => Number(holds(value)));
    const perRow = matmul(own, copy.graph.constant(values, [decided.length, count])); // [B,n]
    return axis === 1 ? perRow : transpose(perRow, [1, 0]);
  };
  const fixed = table((value) => value === 1);
  return decided.flat().every((value) => value !== null)
    ? fixed
    : add(
        mul(
          copy,
          table((value) => value === null),
        ),
        fixed,
      );
}

function written(
  { trained, compile }: ServingModel,
  { outputs, weights }: Program,
  scenario: number | undefined,
  { int8 }: Folding,
): ServingGraph {
  const folded = evaluateWeights(weights, (name) => trained.tensors.get(name)?.data as Float32Array);
  return compile(outputs, { scenario, folded, int8 });
}
