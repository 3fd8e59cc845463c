/**
 * AESM²: automatic expert selection for many scenarios and tasks (Zou et al., SIGIR 2022). Layers of experts, first for the
 * levels of a tree of scenarios, then for the tasks. In each layer the gates choose, row by row, which experts are specific to
 * the row's scenario (or to the task) and which are shared; only these are mixed.
 * The loss adds the divergences of the chosen experts, so that what is chosen becomes more so.
 */
import { add, mul, type Tensor, transpose } from '../../../graph/index.ts';
import { towers } from '../../layers/heads.ts';
import { last, parameter, times } from '../../layers/layer.ts';
import { sideBySide } from '../../layers/linear.ts';
import { defineModel, network } from '../../network.ts';
import { baseline } from '../../options.ts';
import { ownNode, ownTask, scenarioIndicators, taskIndicators } from './indicators.ts';
import { type ExpertLayer, expertLayer, type Use, type Used } from './layer.ts';
import { aesm2Options } from './options.ts';
import { union } from './selection.ts';
import { structureOf, structureProblems } from './structure.ts';

export const aesm2 = defineModel({
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
  scalars: ({ noise }, { step, steps }) => ({ noise: noise * (1 - step / steps) }),

  build(options, sizes) {
    const { scenarioDim, taskDim, towerDims, lambdaSpecific, lambdaShared } = options;
    const { tasks } = sizes;
    const { levels, taskLayers } = structureOf(options, sizes);
    const start = { kind: 'normal', deviation: 0.05 } as const;
    const nodeTables = levels.map(({ count }, l) => parameter(`scenarioEmbedding.${l}`, [count, scenarioDim], start));
    const taskTable = parameter('taskEmbedding', [tasks, taskDim], start);
    const perLevel = levels.map(({ layers }) => layers.map((layer) => expertLayer(layer, options, 1)));
    // All tasks read the same rows before the first of their layers, which serves them in one call.
    const perTask = taskLayers.map((layer, i) => expertLayer(layer, options, i === 0 ? tasks : 1));
    const tower = towers('tower', { count: tasks, inputs: last(last(taskLayers).expertDims), dims: towerDims });

    return network([...nodeTables, taskTable, ...perLevel.flat(), ...perTask, tower], (step) => {
      const used: Used[] = [];
      const mixed = (layer: ExpertLayer, rows: Tensor, uses: Use[]): Tensor[] => {
        const done = layer(rows, uses, step);
        used.push(...done);
        return done.map(({ output }) => output); // [B,h] each
      };

      let u = step.embedding; // [B,in]
      levels.forEach((level, l) => {
        const own = ownNode(level, step);
        const indicators = scenarioIndicators(nodeTables.slice(0, l + 1), levels, step); // [S,(l+1)*ds]
        for (const layer of perLevel[l]) [u] = mixed(layer, u, [{ own, indicators }]); // [B,h]
      });
      const scenarios = scenarioIndicators(nodeTables, levels, step); // [S,levels*ds]
      const uses = times(tasks, (task) => {
        const indicators = taskIndicators(scenarios, taskTable, task, step); // [S,levels*ds+dt]
        return { task, own: ownTask(task), indicators };
      });
      const [first, ...others] = perTask;
      const rows = others.reduce(
        (before, layer) => before.flatMap((own, t) => mixed(layer, own, [uses[t]])),
        mixed(first, u, uses),
      ); // [B,h] of each task

      const total = (measure: 'specific' | 'shared') =>
        used.map(({ selection }) => selection[measure].loss).reduce(add);
      return {
        logits: tower(sideBySide(rows), step), // [B,T]
        penalties: { specific: mul(total('specific'), lambdaSpecific), shared: mul(total('shared'), lambdaShared) }, // [B]
        diagnostics: diagnostics(used),
        choices: Object.fromEntries(used.map(({ name, selection }) => [name, union(selection)])),
      };
    });
  },
});

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
