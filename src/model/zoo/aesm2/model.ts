/**
 * AESM²: automatic expert selection for many scenarios and tasks (Zou et al., SIGIR 2022). Layers of experts, first for the
 * levels of a tree of scenarios, then for the tasks. In each layer the gates choose, row by row, which experts are specific to
 * the row's scenario (or to the task) and which are shared; only these are mixed.
 * The loss adds the divergences of the chosen experts, so that what is chosen becomes more so.
 */
import { add, concat, mul, reshape, slice, type Tensor, transpose } from '../../../graph/index.ts';
import type { ForwardInputs, ForwardOutputs, ModelDefinition } from '../../contract.ts';
import { towers, weightedSum } from '../../layers/heads.ts';
import { BASELINE_TRAINING, presets } from '../../options.ts';
import {
  experts,
  ownNode,
  ownTask,
  type Routed,
  route,
  scenarioIndicators,
  taskIndicators,
  type Use,
} from './layer.ts';
import { type Aesm2Options, aesm2Options } from './options.ts';
import { AESM2_REFERENCE } from './reference.ts';
import { union } from './selection.ts';
import { buffers, type Layer, parameters, range, structureOf, structureProblems } from './structure.ts';

type Inputs = ForwardInputs<Aesm2Options>;

/** A use of a layer, what its gates said, and what came out [B, h]. */
interface Step extends Routed {
  name: string;
  output: Tensor;
}

function forward(inputs: Inputs): ForwardOutputs {
  const { sizes, options } = inputs;
  const { levels, taskLayers } = structureOf(options, sizes);
  const steps: Step[] = [];
  let u = inputs.embedding; // [B,in]
  levels.forEach((level, l) => {
    const place = { own: ownNode(level, inputs), indicators: scenarioIndicators(levels.slice(0, l + 1), inputs) };
    for (const layer of level.layers) {
      const [step] = mixed(u, layer, [{ layer, name: layer.name, ...place }], inputs);
      steps.push(step);
      u = step.output;
    }
  });
  const indicators = scenarioIndicators(levels, inputs);
  const tasks = range(sizes.tasks).map((t) => ({ own: ownTask(t), indicators: taskIndicators(indicators, t, inputs) }));
  let perTask: Tensor[] = [u]; // one that all tasks read, then one for each
  for (const layer of taskLayers) {
    const uses = tasks.map((task, t): Use => ({ layer, name: `${layer.name}.${t}`, ...task }));
    const done =
      perTask.length < uses.length
        ? mixed(perTask[0], layer, uses, inputs)
        : perTask.flatMap((own, t) => mixed(own, layer, [uses[t]], inputs));
    steps.push(...done);
    perTask = done.map(({ output }) => output);
  }
  const logits = towers(beside(perTask), 'tower', options.towerDims, inputs); // [B,T]
  return { logits, penalties: penalties(steps, options), diagnostics: diagnostics(steps), choices: choices(steps) };
}

/** Experts of u [B, in], computed once, mixed for each use. */
function mixed(u: Tensor, layer: Layer, uses: Use[], inputs: Inputs): Step[] {
  const routed = uses.map((use) => route(u, use, inputs));
  const mask = uses.length === 1 ? uses[0].name : layer.name;
  const outputs = weightedSum(
    beside(routed.map(({ weights }) => byRow(weights))), // [H,B,E]
    experts(u, layer, mask, uses.length, inputs), // [E,B,h]
  ); // [H,B,h]
  return routed.map((one, i) => ({
    ...one,
    name: uses[i].name,
    output: reshape(slice(outputs, 0, i, i + 1), ['B', outputs.shape[2]]),
  }));
}

/** [B, n] each -> [H, B, n]. */
const beside = (rows: Tensor[]): Tensor =>
  concat(
    rows.map((one) => reshape(one, [1, ...one.shape])),
    0,
  );

function penalties(steps: Step[], { lambdaSpecific, lambdaShared }: Aesm2Options): Record<string, Tensor> {
  const total = (measure: 'specific' | 'shared') => steps.map(({ selection }) => selection[measure].loss).reduce(add); // [B]
  return { specific: mul(total('specific'), lambdaSpecific), shared: mul(total('shared'), lambdaShared) };
}

/** Rows first: [E, B] -> [B, E]. */
const byRow = (columns: Tensor): Tensor => transpose(columns, [1, 0]);

const diagnostics = (steps: Step[]): Record<string, Tensor> =>
  Object.fromEntries(
    steps.flatMap(({ name, output, gateLogits, weights, selection: { specific, shared, count } }) => [
      [`${name}.gateLogits`, transpose(gateLogits, [2, 0, 1])], // [B,G,E]
      [`${name}.specific`, byRow(specific.divergence)],
      [`${name}.shared`, byRow(shared.divergence)],
      [`${name}.specificRank`, byRow(specific.rank)],
      [`${name}.sharedRank`, byRow(shared.rank)],
      [`${name}.specificLoss`, specific.loss],
      [`${name}.sharedLoss`, shared.loss],
      [`${name}.count`, byRow(count)],
      [`${name}.weights`, byRow(weights)],
      [`${name}.output`, output],
    ]),
  );

const choices = (steps: Step[]): Record<string, Tensor> =>
  Object.fromEntries(steps.map(({ name, selection }) => [name, union(selection)]));

export const aesm2: ModelDefinition<Aesm2Options> = {
  key: 'aesm2',
  title: 'AESM²',
  paper: 'Automatic Expert Selection for Multi-Scenario and Multi-Task Search, SIGIR 2022, arXiv 2205.14321',
  purpose: 'Chooses, row by row, which experts are specific to a scenario or task and which are shared.',
  equations: [
    'g = gates([u ; indicators]) + noise                     all G gates score all E experts; G: nodes of the level, or tasks',
    'q_e = softmax over the gates of g_e                     what expert e is for',
    'chosen = k_sp experts with the smallest KL(own || q_e), and k_sh with the smallest KL(uniform || q_e)',
    "u' = sum over chosen e of softmax(g_own)_e expert_e(u)  layers of each level of scenarios, then of the tasks",
    'logit_t = tower_t(u_t)',
    'loss += lambda_sp mean KL(own || q_e) + lambda_sh mean KL(uniform || q_e), over the experts that each has chosen',
  ].join('\n'),
  options: aesm2Options,
  problems: structureProblems,
  trainDefaults: BASELINE_TRAINING,
  presets: presets({
    scenarioLayers: [{ layers: 2, experts: 8, expertDims: [512, 256] }],
    taskLayers: { layers: 1, experts: 8, expertDims: [128] },
    towerDims: [64],
  }),
  parameters,
  buffers,
  forward,
  scalars: ({ noise }, { step, steps }) => ({ noise: noise * (1 - step / steps) }),
  reference: AESM2_REFERENCE,
};
