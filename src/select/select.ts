/** Selection: from a finished run to smaller graphs, with the proof that they answer as the model does. */
import { error } from '../base/errors/index.ts';
import type { SplitName } from '../config/dataset.ts';
import type { PreparedData } from '../data/prepared.ts';
import { type Grid, numberOf } from '../evaluate/index.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import { measureSwitches } from './measure.ts';
import { compareGraphs, type Graphs, type Latency, type Proof, SAME, timeGraphs } from './proof.ts';
import { jointGraph, scenarioGraph } from './selected.ts';
import type { ServedModel } from './served-model.ts';
import { servingGraph, servingTensors } from './serving-graph.ts';
import { type Decisions, decide, type SwitchCounts, switchesOf, together } from './switches.ts';

/** Rows that decide what is constant. Test rows are left out, so that they can tell what holds for unseen rows. */
export const MEASURED: readonly SplitName[] = ['train', 'validation'];

export interface SelectOptions extends Pick<SessionOptions, 'backend'> {
  /** Rates below it count as never, rates above 1 - epsilon as always. Default 0: only what holds for every measured row. */
  epsilon?: number;
  /** Mean AUC on validation rows that may be lost where epsilon is not 0. Default 0.0005. */
  budget?: number;
  /** Told of each step. */
  onStep?: (what: string) => void;
}

export interface Selection {
  kind: 'exact' | 'lossy';
  epsilon: number;
  graphs: Graphs;
  /** Ones among the measured rows, and what follows from them. */
  counts: SwitchCounts;
  decisions: Decisions;
  /** On validation rows, which were measured, and on test rows, which were not. */
  proof: Proof;
  unseen: Proof;
  /** Mean AUC that is lost on validation rows. */
  loss: number;
  latency: (Latency | null)[];
}

/**
 * @throws SELECT_DIFFERS where exact graphs are not equal to the model, SELECT_OVER_BUDGET where lossy ones lose too much
 */
export async function selectGraphs(
  served: ServedModel,
  data: PreparedData,
  { epsilon = 0, budget = 0.0005, onStep = () => {}, ...session }: SelectOptions = {},
): Promise<Selection> {
  const tensors = servingTensors(served);
  const switches = switchesOf(tensors);
  const scenarios = served.data.scenarios.map((_, s) => s);
  let counts: SwitchCounts = { rows: scenarios.map(() => 0), ones: {} };
  if (switches.length > 0) {
    const parts: SwitchCounts[] = [];
    for (const split of MEASURED) {
      onStep(`measuring gates on the ${split} rows`);
      parts.push(await measureSwitches(served, switches, data, split, session));
    }
    counts = together(parts);
  }
  const decisions = decide(counts, epsilon);
  const kind = changes(decide(counts), decisions) ? 'lossy' : 'exact';

  onStep('folding the graphs');
  const graphs: Graphs = {
    before: servingGraph(served),
    joint: await jointGraph(served, tensors, decisions, kind === 'exact', session),
    scenarios: [],
  };
  for (const s of scenarios) graphs.scenarios.push(await scenarioGraph(served, tensors, decisions, s, session));

  onStep('comparing every answer on the validation rows');
  const proof = await compareGraphs(served, graphs, data, 'validation', session);
  const loss = meanAuc(proof.before) - meanAuc(proof.after);
  checkProof(kind, proof, loss, budget);
  onStep('comparing every answer on the test rows');
  const unseen = await compareGraphs(served, graphs, data, 'test', session);
  onStep('timing');
  const latency = await timeGraphs(served, graphs, data, session);
  return { kind, epsilon, graphs, counts, decisions, proof, unseen, loss, latency };
}

/** Do the rates decide more than the measured rows do? */
const changes = (exact: Decisions, decided: Decisions): boolean => JSON.stringify(exact) !== JSON.stringify(decided);

/** 0 where no cell has an AUC: then none can be lost. */
const meanAuc = ({ macro }: Grid): number => numberOf(macro.auc) ?? 0;

function checkProof(kind: Selection['kind'], proof: Proof, loss: number, budget: number): void {
  const { rows, differing, largest, largestJoint } = proof;
  const worst = Math.max(kind === 'exact' ? largest : 0, largestJoint);
  if (!(worst <= SAME)) throw error('SELECT_DIFFERS', { rows, differing, largest: worst, allowed: SAME });
  if (kind === 'lossy' && !(loss <= budget)) throw error('SELECT_OVER_BUDGET', { loss, budget, lost: lossesOf(proof) });
}

/** AUC that each cell loses; cells without one are left out. */
export const lossesOf = ({ before, after }: Proof): { scenario: string; task: string; loss: number }[] =>
  before.cells.flatMap(({ scenario, task, auc }, i) => {
    const [was, is] = [numberOf(auc), numberOf(after.cells[i].auc)];
    return was === null || is === null ? [] : [{ scenario, task, loss: was - is }];
  });
