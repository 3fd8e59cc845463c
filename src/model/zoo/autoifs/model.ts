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
import type {
  CommonOptions,
  ForwardInputs,
  ForwardOutputs,
  ModelDefinition,
  ModelSizes,
  ParameterSpec,
} from '../../contract.ts';
import { linear, linearParameters, mlp, mlpParameters } from '../../layers/linear.ts';
import { loraParameters, scenarioLora } from '../../layers/lora.ts';
import { type AutoifsOptions, autoifsOptions, FLOWS, parts } from './options.ts';
import { AUTOIFS_PRESETS } from './presets.ts';
import { AUTOIFS_REFERENCE } from './reference.ts';
import { gateLogits, searchGates } from './selection.ts';
import { taskLayers } from './task-layers.ts';

type Inputs = ForwardInputs<AutoifsOptions>;

function parameters(options: AutoifsOptions, { fields, scenarios, tasks }: ModelSizes): ParameterSpec[] {
  const { loraRank: rank, loraInit, embeddingDim } = options;
  const dims = parts(options);
  const stack = (name: string, first: number, widths: number[], count: number) =>
    widths.flatMap((outputs, i) =>
      loraParameters(`${name}.${i}`, { inputs: i === 0 ? first : widths[i - 1], outputs, count, rank }, loraInit),
    );
  const hidden = dims.shared.at(-1) as number;
  return [
    ...mlpParameters('shared', fields * embeddingDim, dims.shared),
    ...stack('scenario', hidden, dims.scenario, scenarios),
    ...stack('task', dims.scenario.at(-1) as number, dims.task, tasks),
    ...(options.selection === 'learned'
      ? [
          ...mlpParameters('gate', fields * embeddingDim, dims.shared, 'gate'),
          ...linearParameters('gate.head', hidden, FLOWS.length * tasks, 'gate'),
        ]
      : []),
  ];
}

function forward(inputs: Inputs): ForwardOutputs {
  const { options, sizes, phase, embedding, parameter, dropout } = inputs;
  const hidden = mlp(embedding, 'shared', parts(options).shared, parameter, dropout); // [B,h]
  const { shared, specific, merged } = scenarioLayers(hidden, inputs);
  const { main, flows } = taskLayers({ merged, shared, specific }, inputs); // [B,T], four times [B,T] or [B,1]

  const gateLogit = phase === 'search' ? gateLogits(inputs) : undefined; // [B,4*T]
  const gates = gateLogit === undefined ? inputs.gates() : searchGates(gateLogit, inputs); // [B,4*T]
  const gate = flows.map((_, k) => slice(gates, 1, k * sizes.tasks, (k + 1) * sizes.tasks)); // [B,T] each
  const logits = flows.reduce((sum, flow, k) => sub(sum, mul(gate[k], flow)), main); // [B,T]

  return {
    logits,
    penalties: phase === 'search' ? gatePenalty(options, sizes, gate) : {},
    diagnostics: {
      main,
      ...Object.fromEntries(flows.map((flow, k) => [`flow${k + 1}`, flow])),
      gates,
      shared,
      specific,
      ...(gateLogit && { gateLogits: gateLogit }),
    },
  };
}

/** Shared and specific halves of the last scenario layer (before the ReLU) and their merged path: [B, H] each. */
function scenarioLayers(hidden: Tensor, { options, sizes, scenario, parameter, dropout }: Inputs) {
  let merged = hidden;
  let halves = { shared: hidden, specific: hidden };
  for (let i = 0; i < options.scenarioLayers; i++) {
    const name = `scenario.${i}`;
    halves = {
      shared: linear(merged, name, parameter), // [B,H]
      specific: scenarioLora(merged, scenario, name, sizes.scenarios, options.loraRank, parameter), // [B,H]
    };
    merged = dropout(relu(add(halves.shared, halves.specific)), name); // [B,H]
  }
  return { ...halves, merged };
}

/** sum_t lambda_t * mean_k g_tk of each row: [B]. */
function gatePenalty(
  { gatePenalty, selection }: AutoifsOptions,
  { tasks }: ModelSizes,
  gate: Tensor[],
): Record<string, Tensor> {
  const lambda = Array.isArray(gatePenalty) ? gatePenalty : Array.from({ length: tasks }, () => gatePenalty);
  if (selection !== 'learned' || lambda.every((weight) => weight === 0)) return {};
  const perTask = gate.reduce((sum, g) => add(sum, g)); // [B,T], sum over the four flows
  const weighted = mul(perTask, gate[0].graph.constant(lambda, [1, tasks])); // [B,T]
  return { gates: mul(reduceMean(weighted, [1]), tasks / FLOWS.length) }; // [B]
}

export const autoifs: ModelDefinition<AutoifsOptions & CommonOptions> = {
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
  problems: ({ gatePenalty }, { tasks }) =>
    Array.isArray(gatePenalty) && gatePenalty.length !== tasks
      ? [
          {
            path: 'model.gatePenalty',
            message: `expected one number, or one per task (${tasks}), found ${gatePenalty.length}`,
          },
        ]
      : [],
  presets: AUTOIFS_PRESETS,
  parameters,
  forward,
  flowSelection: { flows: FLOWS, gateLogits, isGateParameter: (name) => name.startsWith('gate.') },
  reference: AUTOIFS_REFERENCE,
};
