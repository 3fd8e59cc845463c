/**
 * The names, shapes and orders of the authors' PyTorch module, and of its generalisation to any depth. Linear weights are
 * stored [out, in] there, kernels [in, out]; low-rank additions are three-dimensional; each task has its own gate head.
 */
import { z } from 'zod';
import { concat, mul, reshape, type Tensor, transpose } from '../../graph/index.ts';
import type { ForwardOutputs, ModelSizes } from '../../model/contract.ts';
import { type AutoifsOptions, autoifsOptions, FLOWS } from '../../model/zoo/autoifs/options.ts';
import { readConfiguration } from '../configuration.ts';
import type { ReferenceLayout, ReferenceTensor } from '../contract.ts';

const positive = z.int().min(1);
const count = z.int().min(0);

/** Every entry a reference configuration may have. Training entries are read by whoever trains. */
const configSchema = z
  .strictObject({
    dim: positive,
    scenarios: positive,
    tasks: positive,
    vocab: z.array(positive).min(1).optional(),
    fields: positive.optional(),
    feat_num: positive,
    field_offsets: z.array(count).optional(),
    mlp_dims: z.array(positive).min(2).optional(),
    share_dims: z.array(positive).min(1).optional(),
    domain_dims: z.array(positive).min(1).optional(),
    task_dims: z.array(positive).optional(),
    lora_r: positive,
    dropout: z.literal(0).optional(),
    reg_lambda: z.union([z.number(), z.array(z.number())]).optional(),
    batch: positive.optional(),
    train_rows: positive.optional(),
    valid_rows: positive.optional(),
    lr: z.number().optional(),
    l2: z.number().optional(),
    r_lr: z.number().optional(),
    r_l2: z.number().optional(),
    search_epochs: positive.optional(),
    rewind: count.optional(),
    final_temp: z.number().optional(),
    max_epochs: positive.optional(),
  })
  .refine(
    (c) => c.vocab !== undefined || c.fields !== undefined || c.field_offsets !== undefined,
    'needs "vocab", "field_offsets" or "fields": how many fields a row has',
  )
  .refine(
    (c) => (c.mlp_dims !== undefined) !== (c.share_dims !== undefined && c.domain_dims !== undefined),
    'needs either "mlp_dims" or "share_dims" with "domain_dims"',
  );

function read(config: Record<string, unknown>): { options: AutoifsOptions; sizes: ModelSizes; tableRows: number } {
  const c = readConfiguration(configSchema, config);
  const shared = c.share_dims ?? (c.mlp_dims as number[]).slice(0, -1);
  const scenario = c.domain_dims ?? (c.mlp_dims as number[]).slice(-1);
  return {
    options: autoifsOptions.parse({
      embeddingDim: c.dim,
      mlpDims: [...shared, ...scenario],
      scenarioLayers: scenario.length,
      taskDims: c.task_dims ?? [],
      loraRank: c.lora_r,
      gatePenalty: c.reg_lambda ?? 0,
    }),
    sizes: {
      fields: c.fields ?? c.vocab?.length ?? (c.field_offsets as number[]).length,
      scenarios: c.scenarios,
      tasks: c.tasks,
    },
    tableRows: c.feat_num,
  };
}

function tensors(options: AutoifsOptions, { fields, scenarios, tasks }: ModelSizes): ReferenceTensor[] {
  const { mlpDims, scenarioLayers, loraRank: rank } = options;
  const cut = mlpDims.length - scenarioLayers;
  const input = fields * options.embeddingDim;
  const shared = [input, ...mlpDims.slice(0, cut)];
  const scenario = [shared.at(-1) as number, ...mlpDims.slice(cut)];
  const task = [scenario.at(-1) as number, ...options.taskDims, 1];
  return [
    ...denseStack('share_mlp.mlp', 'shared', shared),
    ...loraStack('D', 'scenario', scenario, scenarios, rank),
    ...loraStack('T', 'task', task, tasks, rank),
    ...(options.selection === 'learned'
      ? [
          ...denseStack('gate_hypernet.mlp', 'gate', shared),
          ...Array.from({ length: tasks }, (_, t) => gateHead(t, tasks, shared.at(-1) as number)).flat(),
        ]
      : []),
  ].filter(({ shape }) => !shape.includes(0)); // no additions of rank 0
}

const same = (index: number): number => index;

/** Linear, ReLU, dropout, ...: the linear layers are every third module. */
const denseStack = (reference: string, ours: string, dims: number[]): ReferenceTensor[] =>
  dims.slice(1).flatMap((outputs, i) => [
    {
      name: `${reference}.${3 * i}.weight`,
      shape: [outputs, dims[i]],
      parameter: `${ours}.${i}.kernel`,
      place: (index) => (index % dims[i]) * outputs + Math.floor(index / dims[i]),
    },
    { name: `${reference}.${3 * i}.bias`, shape: [outputs], parameter: `${ours}.${i}.bias`, place: same },
  ]);

/** Shared kernel and, for each of `count` scenarios or tasks, A [in, r], B [r, out] and a bias. */
const loraStack = (letter: 'D' | 'T', ours: string, dims: number[], count: number, rank: number): ReferenceTensor[] =>
  dims.slice(1).flatMap((outputs, i): ReferenceTensor[] => {
    const inputs = dims[i];
    const own = `${ours}.${i}`;
    return [
      { name: `${letter}_kernels.${i}`, shape: [inputs, outputs], parameter: `${own}.kernel`, place: same },
      { name: `${letter}_bias.${i}`, shape: [outputs], parameter: `${own}.bias`, place: same },
      {
        name: `${letter}_A_kernel.${i}`,
        shape: [count, inputs, rank],
        parameter: `${own}.lora.down`,
        place: (index) => {
          const k = index % rank;
          const row = Math.floor(index / rank) % inputs;
          const which = Math.floor(index / (rank * inputs));
          return row * count * rank + which * rank + k;
        },
      },
      { name: `${letter}_B_kernel.${i}`, shape: [count, rank, outputs], parameter: `${own}.lora.up`, place: same },
      { name: `${letter}_lora_bias.${i}`, shape: [count, outputs], parameter: `${own}.lora.bias`, place: same },
    ];
  });

/** Our one head holds flow 1 of all tasks, then flow 2 ...: column k*T + t. */
const gateHead = (task: number, tasks: number, hidden: number): ReferenceTensor[] => [
  {
    name: `gate_head${task}.weight`,
    shape: [FLOWS.length, hidden],
    parameter: 'gate.head.kernel',
    place: (index) => (index % hidden) * FLOWS.length * tasks + Math.floor(index / hidden) * tasks + task,
  },
  {
    name: `gate_head${task}.bias`,
    shape: [FLOWS.length],
    parameter: 'gate.head.bias',
    place: (flow) => flow * tasks + task,
  },
];

/** The reference's outputs: gates [B,T,4], flows [B,T,5] with the merged path first, and the halves of the scenario side. */
function outputs(
  _options: AutoifsOptions,
  { tasks }: ModelSizes,
  { logits, diagnostics = {} }: ForwardOutputs,
): Record<string, Tensor> {
  const byTask = (flowByFlow: Tensor): Tensor => transpose(reshape(flowByFlow, ['B', FLOWS.length, tasks]), [0, 2, 1]); // [B,T,4]
  const ones = logits.graph.constant(
    Array.from({ length: tasks }, () => 1),
    [1, tasks],
  );
  const column = (x: Tensor): Tensor => reshape(x.shape[1] === tasks ? x : mul(x, ones), ['B', tasks, 1]); // [B,T,1]
  const streams = [diagnostics.main, ...FLOWS.map((_, k) => diagnostics[`flow${k + 1}`])];
  return {
    logits,
    gates: byTask(diagnostics.gates),
    flows: concat(streams.map(column), 2), // [B,T,5]
    scenario_shared: diagnostics.shared,
    scenario_specific: diagnostics.specific,
    ...(diagnostics.gateLogits && { gate_logits: byTask(diagnostics.gateLogits) }),
  };
}

export const autoifs: ReferenceLayout<AutoifsOptions> = {
  models: ['AutoIFS', 'AutoIFS (generalised)'],
  read,
  tensors,
  table: 'embedding.embedding',
  gateTable: 'gate_embedding.embedding',
  outputs,
};
