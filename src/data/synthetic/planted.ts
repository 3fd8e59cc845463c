/**
 * The planted truth of a synthetic world.
 *
 * The logit of task t for a user and an item in scenario s is
 *
 *   bias[s][t] + sum over flows k = 1..4 of strength[s][t][k] * effect[s][t][k](user, item)
 *
 * | flow | AutoIFS' name                        | what its effect depends on               | read from the fields  |
 * | ---- | ------------------------------------ | ---------------------------------------- | --------------------- |
 * | 1    | scenario-shared -> task-shared       | user and item: the same in every cell    | taste, topic          |
 * | 2    | scenario-specific -> task-specific   | ... and on scenario and task             | occasion, format      |
 * | 3    | scenario-shared -> task-specific     | ... and on the task                      | loyalty, tier         |
 * | 4    | scenario-specific -> task-shared     | ... and on the scenario                  | region, origin        |
 *
 * Every effect is a table over the 8 levels of one user field and the 8 levels of one item field, with mean 0 and
 * standard deviation 1, so `strength` is in units of the logit. What is specific is a deviation: the effects of flow 4
 * (and 2) sum to zero over the scenarios, those of flow 3 (and 2) over the tasks, before they are scaled. So a ranker
 * that cannot tell scenarios apart learns nothing of flows 2 and 4.
 *
 * Where a flow is opposed, its strength is negative: what is liked elsewhere is disliked in that cell. A model with few rows
 * of such a cell, or of one where the flow is noise, ranks by what the other cells have in common and is hurt (negative transfer).
 *
 * In the cells named noise, the strength of a flow is 0 while its effect acts in the other cells: a model that lets the
 * flow through there ranks by something that has no say in this cell, which can only hurt.
 */
import { type Random, random } from '../../base/random.ts';
import type { WorldOptions } from './options.ts';

export const LEVELS = 8;
export const FLOWS = [
  { flow: 1, name: 'scenario-shared -> task-shared', userField: 'taste', itemField: 'topic' },
  { flow: 2, name: 'scenario-specific -> task-specific', userField: 'occasion', itemField: 'format' },
  { flow: 3, name: 'scenario-shared -> task-specific', userField: 'loyalty', itemField: 'tier' },
  { flow: 4, name: 'scenario-specific -> task-shared', userField: 'region', itemField: 'origin' },
] as const;

const SCENARIO_NAMES = ['feed', 'search', 'detail', 'related', 'follow', 'live', 'topic', 'checkout'];
const TASK_NAMES = ['click', 'like', 'share', 'save', 'buy'];

/** What was planted, in the order scenario, task, flow. Plain data, ready to be written as JSON. */
export interface PlantedTruth {
  seed: number;
  scenarios: string[];
  tasks: string[];
  flows: { flow: number; name: string; userField: string; itemField: string }[];
  cells: {
    scenario: string;
    task: string;
    /** Logit of a user and item whose effects are all 0. */
    bias: number;
    /** The strength is negative where the flow is opposed. */
    flows: { flow: number; strength: number; noise: boolean; opposed: boolean }[];
  }[];
}

/** The truth with the tables behind it. Indices: scenario, task, flow (0..3), user level * 8 + item level. */
export interface Planted {
  scenarios: string[];
  tasks: string[];
  /** [S] share of the rows, summing to 1. */
  scenarioShares: number[];
  bias: number[][];
  strength: number[][][];
  noise: boolean[][][];
  opposed: boolean[][][];
  effect: Float64Array[][][];
}

/** Draws the truth of a world. Depends on the options alone. */
export function plant(options: WorldOptions): Planted {
  const { seed, scenarios: S, tasks: T, strengths } = options;
  const scenarios = named(SCENARIO_NAMES, 'scenario', S);
  const tasks = named(TASK_NAMES, 'task', T);
  const weights = options.shares ?? scenarios.map((_, s) => 1 / (1 + 0.3 * s));
  const total = weights.reduce((a, b) => a + b);
  const biases = random('synthetic', seed, 'bias');
  const noise = grid(S, T, () => [false, false, false, false]);
  for (const { scenario, task, flow } of options.noiseFlows ?? drawNoise(seed, S, T))
    noise[scenario][task][flow - 1] = true;
  const opposed = grid(S, T, () => [false, false, false, false]);
  for (const { scenario, task, flow } of options.opposedFlows) opposed[scenario][task][flow - 1] = true;
  const possible = [true, S > 1 && T > 1, T > 1, S > 1];
  return {
    scenarios,
    tasks,
    scenarioShares: weights.map((w) => w / total),
    bias: grid(S, T, (_, t) => -0.4 - 0.4 * Math.min(t, 3) + 0.25 * biases.normal()),
    strength: grid(S, T, (s, t) =>
      strengths.map((x, k) => (possible[k] && !noise[s][t][k] ? (opposed[s][t][k] ? -x : x) : 0)),
    ),
    noise,
    opposed,
    effect: drawEffects(options),
  };
}

export function describeTruth(options: WorldOptions, planted: Planted): PlantedTruth {
  const { scenarios, tasks, bias, strength, noise, opposed } = planted;
  return {
    seed: options.seed,
    scenarios,
    tasks,
    flows: FLOWS.map((f) => ({ ...f })),
    cells: scenarios.flatMap((scenario, s) =>
      tasks.map((task, t) => ({
        scenario,
        task,
        bias: bias[s][t],
        flows: FLOWS.map(({ flow }, k) => ({
          flow,
          strength: strength[s][t][k],
          noise: noise[s][t][k],
          opposed: opposed[s][t][k],
        })),
      })),
    ),
  };
}

/** One cell per flow, all different, where there are enough. */
function drawNoise(seed: number, S: number, T: number): { scenario: number; task: number; flow: number }[] {
  if (S < 2 || T < 2) return [];
  const generator = random('synthetic', seed, 'noise');
  const cells = Array.from({ length: S * T }, (_, cell) => cell);
  return FLOWS.map(({ flow }) => {
    const [cell] = cells.splice(generator.below(cells.length), 1);
    return { scenario: Math.floor(cell / T), task: cell % T, flow };
  });
}

/** effect[s][t][k]: tables of unit variance. */
function drawEffects({ seed, tastes, scenarios: S, tasks: T }: WorldOptions): Float64Array[][][] {
  const draw = (flow: number, n: number): Float64Array[] => {
    const generator = random('synthetic', seed, 'effect', flow, ...(tastes === undefined ? [] : ['tastes', tastes]));
    return deviations(Array.from({ length: n }, () => drawTable(generator)));
  };
  const shared = draw(1, 1)[0];
  const byTask = draw(3, T);
  const byScenario = draw(4, S);
  // Flow 2: each scenario has two effects; task t reads them at the angle 2 pi t / T, so that the tasks' readings of a
  // scenario cancel: with two tasks, one likes what the other dislikes.
  const [first, second] = [draw(2, S), draw(5, S)];
  return grid(S, T, (s, t) => {
    const angle = (2 * Math.PI * t) / T;
    const specific = first[s].map((x, i) => Math.cos(angle) * x + Math.sin(angle) * second[s][i]);
    return [shared, specific, byTask[t], byScenario[s]].map(standardised);
  });
}

/** A main effect of the user's level, one of the item's, and a smaller part for the pair. */
function drawTable(generator: Random): Float64Array {
  const normals = (n: number): number[] => Array.from({ length: n }, () => generator.normal());
  const [user, item, pair] = [normals(LEVELS), normals(LEVELS), normals(LEVELS * LEVELS)];
  return standardised(Float64Array.from(pair, (x, i) => user[Math.floor(i / LEVELS)] + item[i % LEVELS] + 0.7 * x));
}

/** Subtracts the mean of the tables; a single table stays as it is. */
function deviations(tables: Float64Array[]): Float64Array[] {
  if (tables.length === 1) return tables;
  return tables.map((table) =>
    table.map((x, i) => x - tables.reduce((sum, other) => sum + other[i], 0) / tables.length),
  );
}

function standardised(table: Float64Array): Float64Array {
  const mean = table.reduce((a, b) => a + b) / table.length;
  const deviation = Math.sqrt(table.reduce((a, b) => a + (b - mean) ** 2, 0) / table.length);
  return table.map((x) => (x - mean) / deviation);
}

const grid = <V>(S: number, T: number, value: (s: number, t: number) => V): V[][] =>
  Array.from({ length: S }, (_, s) => Array.from({ length: T }, (_, t) => value(s, t)));

const named = (names: string[], kind: string, n: number): string[] =>
  Array.from({ length: n }, (_, i) => names[i] ?? `${kind}_${i + 1}`);
