/**
 * AutoIFS: Automated Information Flow Selection (WSDM 2026, arXiv 2512.13396).
 *
 * Shared knowledge sits in full kernels, what is specific to a scenario or task in low-rank additions (LoRA). Shared or
 * specific on the scenario side, shared or specific on the task side: four information flows reach each answer. A gate
 * network decides per row and task which flows to take away. Gates are soft while they learn (`search`); then they are
 * set to 0 or 1, frozen, and the weights train again from a rewound state (`retrain`).
 *
 * Several scenario layers and hidden task layers generalise the published network.
 */
import { add, mul, reduceMean, relu, slice, sub, type Tensor } from '../../../graph/index.ts';
import type { ModelSizes, Step } from '../../contract.ts';
import { cellProblems, sourceOf } from '../../flow-table.ts';
import { inputWidth } from '../../layers/fields.ts';
import { last, layer, times } from '../../layers/layer.ts';
import { mlp } from '../../layers/linear.ts';
import { loras } from '../../layers/lora.ts';
import { defineModel, network } from '../../network.ts';
import { problemIf } from '../../options.ts';
import { type AutoifsOptions, autoifsOptions, FLOWS, parts } from './options.ts';
import { AUTOIFS_PRESETS } from './presets.ts';
import { gateNetwork, searchGates } from './selection.ts';
import { type ScenarioHalves, taskSide } from './task-layers.ts';

export const autoifs = defineModel({
  key: 'autoifs',
  title: 'AutoIFS',
  paper:
    'Automated Information Flow Selection for Multi-scenario Multi-task Recommendation, WSDM 2026, arXiv 2512.13396',
  purpose: 'Learns per row and task which shared and specific information flows to keep.',
  equations: [
    'h = MLP(e)',
    'd_s = h D + b                        shared on the scenario side',
    'd_k = (h A_s) B_s + c_s              specific to the scenario',
    'm = relu(d_s + d_k)',
    'main_t = m W + b_W + m v_t + c_t     v_t = A_t B_t: specific to the task',
    'logit_t = main_t - g_t1 (d_s W + b_W) - g_t2 (d_k v_t + c_t) - g_t3 (d_s v_t + c_t) - g_t4 (d_k W + b_W)',
    'g = sigmoid(temperature gates(e))    while searching; then 1 where gates(e) > 0, else 0. A gate of 1 removes its flow',
  ].join('\n'),
  options: autoifsOptions,
  smallOptions: { mlpDims: [64, 32] },
  presets: AUTOIFS_PRESETS,
  flowSelection: { flows: FLOWS, isGateParameter: (name) => name.startsWith('gate.') },

  build(options, sizes) {
    const dims = parts(options);
    const shared = mlp('shared', { inputs: inputWidth(options, sizes), dims: dims.shared });
    const scenarios = scenarioSide(options, last(dims.shared), sizes);
    const task = taskSide(options, last(dims.scenario), sizes);
    const gate = gateNetwork(options, sizes);

    const forward = (step: Step) => {
      const h = shared(step.embedding, step); // [B,h]
      const halves = scenarios(h, step); // d_s, d_k and m, [B,H] each
      const { main, flows } = task(halves, step); // [B,T], four times [B,T] or [B,1]

      const gateLogits = step.phase === 'search' ? gate(step) : undefined; // [B,4*T]
      const gates = gateLogits === undefined ? step.gates() : searchGates(gateLogits, options, step); // [B,4*T]
      const g = flows.map((_, k) => slice(gates, 1, k * sizes.tasks, (k + 1) * sizes.tasks)); // [B,T] each
      const logits = flows.reduce((sum, flow, k) => sub(sum, mul(g[k], flow)), main); // [B,T]

      const ofFlows = Object.fromEntries(flows.map((flow, k) => [`flow${k + 1}`, flow]));
      const { shared: d_s, specific: d_k } = halves;
      return {
        logits,
        penalties: step.phase === 'search' ? penaltyOf(options, sizes, g) : {},
        ...(gateLogits && { gates: Object.fromEntries(FLOWS.map((flow, k) => [flow, sub(1, g[k])])) }),
        diagnostics: { main, ...ofFlows, gates, shared: d_s, specific: d_k, ...(gateLogits && { gateLogits }) },
      };
    };
    return network([shared, scenarios, task, gate], forward, { gateLogits: gate });
  },

  problems({ gatePenalty, selection }, sizes) {
    const found = Array.isArray(gatePenalty) ? gatePenalty.length : sizes.tasks;
    const message = `expected one number, or one per task (${sizes.tasks}), found ${found}`;
    return [
      ...problemIf(found !== sizes.tasks, 'model.gatePenalty', message),
      ...(typeof selection === 'object' && typeof selection.table !== 'string'
        ? cellProblems('model.selection.table', selection.table, sizes)
        : []),
    ];
  },

  flowTable: {
    source: ({ selection }) => sourceOf((Object(selection) as { table?: unknown }).table),
    take: (options, { cells }) => ({ ...options, selection: { table: cells } }),
  },
});

/** h [B, in] -> shared and specific halves of the last scenario layer (before the ReLU) and their merged path: [B, H] each. */
function scenarioSide(options: AutoifsOptions, inputs: number, sizes: ModelSizes) {
  const { loraRank: rank, loraInit: init } = options;
  const layers = loras('scenario', { inputs, dims: parts(options).scenario, count: sizes.scenarios, rank, init });
  return layer(layers, (h: Tensor, step: Step) =>
    layers.reduce<ScenarioHalves>(
      ({ merged }, { common, ofScenario }, i) => {
        const [shared, specific] = [common(merged, step), ofScenario(merged, step)]; // d_s, d_k: [B,H]
        return { shared, specific, merged: step.dropout(relu(add(shared, specific)), `scenario.${i}`) };
      },
      { merged: h, shared: h, specific: h },
    ),
  );
}

/** sum_t lambda_t * mean_k g_tk of each row: [B]. */
function penaltyOf(options: AutoifsOptions, { tasks }: ModelSizes, gate: Tensor[]): Record<string, Tensor> {
  const { gatePenalty, selection } = options;
  const lambda = Array.isArray(gatePenalty) ? gatePenalty : times(tasks, () => gatePenalty);
  if (selection !== 'learned' || lambda.every((weight) => weight === 0)) return {};
  const perTask = gate.reduce((sum, g) => add(sum, g)); // [B,T], sum over the four flows
  const weighted = mul(perTask, gate[0].graph.constant(lambda, [1, tasks])); // [B,T]
  return { gates: mul(reduceMean(weighted, [1]), tasks / FLOWS.length) }; // [B]
}
