/** The smaller graphs: a joint one for all scenarios, and one for each. */
import { evaluateWeights, fold, type Program, type Tensor } from '../../graph/index.ts';
import { compileServing, type ServingGraph, type ServingTensors } from '../../inference/graphs/serving.ts';
import type { TrainedModel } from '../../inference/model/trained.ts';
import type { Graphs } from './proof.ts';
import { type Decisions, ofAllScenarios, ofScenario, switchesOf } from './switches.ts';

export interface Folding {
  /** Merge matrix products if that saves multiply-adds; this changes rounding. Default true. */
  merge?: boolean;
  /** Store large weights in eight bits. Default false. */
  int8?: boolean;
}

/** The graph of one scenario with its decisions. */
export function scenarioGraph(
  trained: TrainedModel,
  tensors: ServingTensors,
  decisions: Decisions,
  scenario: number,
  how: Folding = {},
): ServingGraph {
  const replaced = new Map(
    switchesOf(tensors).map((own) => [
      own.tensor,
      (copy: Tensor) => ofScenario(own, decisions[own.name][scenario], copy),
    ]),
  );
  return written(
    trained,
    fold(tensors.outputs, { fixed: { scenario: [scenario] }, replaced }, how.merge),
    scenario,
    how,
  );
}

/**
 * The joint graph of all scenarios. It uses decisions if they change an answer, or if they make a network unnecessary: a table saves
 * nothing if the network runs anyway.
 */
export function jointGraph(
  trained: TrainedModel,
  tensors: ServingTensors,
  decisions: Decisions,
  exact: boolean,
  how: Folding = {},
): ServingGraph {
  const all = ({ name }: { name: string }): boolean => decisions[name].flat().every((value) => value !== null);
  const replaced = new Map(
    switchesOf(tensors)
      .filter((own) => !exact || all(own))
      .map((own) => [own.tensor, (copy: Tensor) => ofAllScenarios(own, decisions[own.name], copy)]),
  );
  return written(trained, fold(tensors.outputs, { replaced }, how.merge), undefined, how);
}

function written(
  trained: TrainedModel,
  { outputs, weights }: Program,
  scenario: number | undefined,
  { int8 }: Folding,
): ServingGraph {
  const folded = evaluateWeights(weights, (name) => trained.tensors.get(name)?.data as Float32Array);
  return compileServing(trained, outputs, { scenario, folded, int8 });
}

/** All graphs for given folding options. The full model is the same for all options. */
export function rewriter(
  trained: TrainedModel,
  tensors: ServingTensors,
  decisions: Decisions,
  exact: boolean,
): (how: Folding) => Graphs {
  const before = compileServing(trained, tensors.outputs);
  return (how) => ({
    before,
    joint: jointGraph(trained, tensors, decisions, exact, how),
    scenarios: trained.data.scenarios.map((_, s) => scenarioGraph(trained, tensors, decisions, s, how)),
  });
}
