/**
 * AESM²: automatic expert selection for many scenarios and tasks (Zou et al., SIGIR 2022). Layers of experts, first for the
 * levels of a tree of scenarios, then for the tasks. In each layer the gates choose, row by row, which experts are specific to
 * the row's scenario (or to the task) and which are shared; only these are mixed.
 * The loss adds the divergences of the chosen experts, so that what is chosen becomes more so.
 */
import { add, mul, type Tensor, transpose } from '../../../graph/index.ts';
import type { ModelDefinition, ModelSizes, Network } from '../../contract.ts';
import { towers } from '../../layers/heads.ts';
import { last, parameter } from '../../layers/layer.ts';
import { sideBySide } from '../../layers/linear.ts';
import { network } from '../../network.ts';
import { baseline } from '../../options.ts';
import { ownNode, ownTask, scenarioIndicators, taskIndicators } from './indicators.ts';
import { expertLayer, type Used } from './layer.ts';
import { type Aesm2Options, aesm2Options } from './options.ts';
import { union } from './selection.ts';
import { range, structureOf, structureProblems } from './structure.ts';

function build(options: Aesm2Options, sizes: ModelSizes): Network {
  const { scenarioDim, taskDim, towerDims } = options;
  const { tasks } = sizes;
  const { levels, taskLayers } = structureOf(options, sizes);
  const start = { kind: 'normal', deviation: 0.05 } as const;
  const nodeTables = levels.map(({ count }, l) => parameter(`scenarioEmbedding.${l}`, [count, scenarioDim], start));
  const taskTable = parameter('taskEmbedding', [tasks, taskDim], start);
  const scenarioLayers = levels.map(({ layers }) => layers.map((layer) => expertLayer(layer, options, 1)));
  // All tasks read the same rows before the first of their layers, which serves them in one call.
  const perTask = taskLayers.map((layer, i) => expertLayer(layer, options, i === 0 ? tasks : 1));
  const inputs = last(last(taskLayers).expertDims);
  const tower = towers('tower', { count: tasks, inputs, dims: towerDims });

  return network([...nodeTables, taskTable, ...scenarioLayers.flat(), ...perTask, tower], (step) => {
    const used: Used[] = [];
    let u = step.embedding; // [B,in]
    levels.forEach((level, l) => {
      const own = ownNode(level, step);
      const indicators = scenarioIndicators(nodeTables.slice(0, l + 1), levels, step); // [S,(l+1)*ds]
      scenarioLayers[l].forEach((layer, i) => {
        const [one] = layer(u, [{ name: level.layers[i].name, own, indicators }], step);
        used.push(one);
        u = one.output; // [B,h]
      });
    });
    const scenarios = scenarioIndicators(nodeTables, levels, step); // [S,levels*ds]
    const ofTasks = range(tasks).map((t) => ({
      own: ownTask(t),
      indicators: taskIndicators(scenarios, taskTable, t, step), // [S,levels*ds+dt]
    }));
    let rows = [u]; // [B,h]: one that all tasks read, then one for each
    perTask.forEach((layer, i) => {
      const uses = ofTasks.map((task, t) => ({ name: `${taskLayers[i].name}.${t}`, ...task }));
      const done = i === 0 ? layer(u, uses, step) : rows.flatMap((own, t) => layer(own, [uses[t]], step));
      used.push(...done);
      rows = done.map(({ output }) => output);
    });
    return {
      logits: tower(sideBySide(rows), step), // [B,T]
      penalties: penalties(used, options),
      diagnostics: diagnostics(used),
      choices: Object.fromEntries(used.map(({ name, selection }) => [name, union(selection)])),
    };
  });
}

function penalties(used: Used[], { lambdaSpecific, lambdaShared }: Aesm2Options): Record<string, Tensor> {
  const total = (measure: 'specific' | 'shared') => used.map(({ selection }) => selection[measure].loss).reduce(add); // [B]
  return { specific: mul(total('specific'), lambdaSpecific), shared: mul(total('shared'), lambdaShared) };
}

/** [E, B] -> [B, E]. */
const byRow = (columns: Tensor): Tensor => transpose(columns, [1, 0]);

const diagnostics = (used: Used[]): Record<string, Tensor> =>
  Object.fromEntries(
    used.flatMap(({ name, output, gateLogits, weights, selection: { specific, shared, count } }) => [
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
  ...baseline({
    scenarioLayers: [{ layers: 2, experts: 8, expertDims: [512, 256] }],
    taskLayers: { layers: 1, experts: 8, expertDims: [128] },
    towerDims: [64],
  }),
  build,
  scalars: ({ noise }, { step, steps }) => ({ noise: noise * (1 - step / steps) }),
};
