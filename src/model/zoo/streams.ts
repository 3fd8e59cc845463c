/**
 * Streams: four additive information flows, each over the fields that it reads, added to the answers of the cells (scenario x task)
 * that it reaches. Fields and cells come from the flow test (src/flows). Flows that read the same fields share their hidden layers,
 * as nothing keeps them apart. There is no path around the flows and no gate network: what the test closes is not in the graph.
 */
import type { z } from 'zod';
import { add, matmul, mul, oneHot, type Tensor } from '../../graph/index.ts';
import type { FlowTable, Layer, ModelDefinition, ModelSizes, Network, Step } from '../contract.ts';
import { FLOW_COUNT, flowsOption, isActive, openTable, sourceOf, tableProblems } from '../flow-table.ts';
import { fieldIndices, fieldsOf, inputWidth, withPairs } from '../layers/fields.ts';
import { last, layer, parameter, times } from '../layers/layer.ts';
import { linear, mlp } from '../layers/linear.ts';
import { network } from '../network.ts';
import { BASELINE_TRAINING, modelOptions, widths } from '../options.ts';

const streamsOptions = modelOptions('streams', {
  sharedDims: widths.default([64, 32]).describe('widths of the stream that all cells share'),
  specificDims: widths.default([32, 16]).describe('widths of each other stream'),
  flows: flowsOption,
});

type StreamsOptions = z.output<typeof streamsOptions>;

/** Does a flow have answers of each scenario's own, of each task's own? */
const SPECIFIC = [
  { scenario: false, task: false },
  { scenario: true, task: true },
  { scenario: false, task: true },
  { scenario: true, task: false },
] as const;

function build(options: StreamsOptions, sizes: ModelSizes): Network {
  const table = tableOf(options, sizes);
  const bias = parameter('bias', [sizes.scenarios, sizes.tasks], { kind: 'zeros' });
  const groups = readersOf(table, sizes).map(({ read, flows }) => {
    const hidden = hiddenOf(flows[0], read, options);
    const answers = flows.map((k) => ({ name: `flow${k + 1}`, answer: answerOf(k, hidden.width, table, sizes) }));
    return { hidden, answers };
  });
  const layers = groups.flatMap(({ hidden, answers }) => [hidden.call, ...answers.map(({ answer }) => answer)]);
  return network([bias, ...layers], (step) => {
    const hot = oneHot(step.scenario, sizes.scenarios); // [B,S]
    const reached = groups.flatMap(({ hidden, answers }) => {
      const h = hidden.call(step.embedding, step); // [B,h]
      return answers.map(({ name, answer }): [string, Tensor] => [name, answer(h, hot, step)]); // w_k f_k, [B,T] each
    });
    return {
      logits: reached.reduce((sum, [, flow]) => add(sum, flow), matmul(hot, bias(step))), // [B,T]
      diagnostics: Object.fromEntries(reached),
    };
  });
}

/** Until a run is made, its table is not known: then everything is open. */
const tableOf = ({ flows }: StreamsOptions, sizes: ModelSizes): FlowTable =>
  typeof flows === 'string' ? openTable(sizes) : flows;

/** The flows that exist, together with those that read the same fields. */
function readersOf(table: FlowTable, sizes: ModelSizes): { read: number[]; flows: number[] }[] {
  const groups = new Map<string, { read: number[]; flows: number[] }>();
  for (let k = 0; k < FLOW_COUNT; k++) {
    if (!isActive(table, k)) continue;
    const read = fieldIndices(sizes.fieldNames === undefined ? [] : table.fields[k], sizes);
    const known = groups.get(String(read));
    if (known === undefined) groups.set(String(read), { read, flows: [k] });
    else known.flows.push(k);
  }
  return [...groups.values()];
}

/** The hidden layers of the flows that read these fields, the first of which is `k`: embedding -> [B, width]. */
function hiddenOf(k: number, read: readonly number[], options: StreamsOptions): { call: Layer; width: number } {
  const { embeddingDim, sharedDims, specificDims } = options;
  const [inputs, dims] = [inputWidth(options, { fields: read.length }), k === 0 ? sharedDims : specificDims];
  const hidden = mlp(`stream.${k}`, { inputs, dims });
  return {
    call: layer([hidden], (embedding: Tensor, step: Step) =>
      hidden(withPairs(fieldsOf(embedding, read, embeddingDim), read.length, options), step),
    ),
    width: last([inputs, ...dims]),
  };
}

/** w_k f_k of the row's scenario [B, T], from hidden layers h [B, inputs]; `hot` [B, S] is that scenario. */
function answerOf(k: number, inputs: number, { cells }: FlowTable, { scenarios, tasks }: ModelSizes) {
  const answers = answersOf(cells[k], SPECIFIC[k]);
  const out = linear(`stream.${k}.out`, { inputs, outputs: answers.length });
  return layer([out], (h: Tensor, hot: Tensor, step: Step) => {
    const constant = (values: number[][], rows: number): Tensor =>
      hot.graph.constant(values.flat(), [rows, values.flat().length / rows]);
    const f = out(h, step); // [B,n]
    const ofScenario = times(scenarios, (s) => answers.map((answer) => Number((answer.scenario ?? s) === s))); // [S][n]
    const ofTask = answers.map((answer) => times(tasks, (t) => Number((answer.task ?? t) === t))); // [n][T]
    const own = mul(f, matmul(hot, constant(ofScenario, scenarios))); // [B,n]
    const w = matmul(hot, constant(cells[k], scenarios)); // [B,T]
    return mul(w, matmul(own, constant(ofTask, answers.length))); // [B,T]
  });
}

/** The answers of a flow that an open cell reads: of which scenario and which task each is; undefined: of all. */
function answersOf(cells: readonly (readonly number[])[], specific: (typeof SPECIFIC)[number]) {
  const open = cells.flatMap((row, s) => row.flatMap((cell, t) => (cell === 1 ? [{ s, t }] : [])));
  const all = open.map(({ s, t }) => ({
    scenario: specific.scenario ? s : undefined,
    task: specific.task ? t : undefined,
  }));
  return all.filter(
    (one, i) => all.findIndex(({ scenario, task }) => scenario === one.scenario && task === one.task) === i,
  );
}

export const streams: ModelDefinition<StreamsOptions> = {
  key: 'streams',
  title: 'Streams',
  paper: 'none (ours)',
  purpose: 'Adds four information flows that read the fields and reach the cells that a statistical test found.',
  equations: [
    'f_k = MLP_k(embeddings of the fields that flow k reads)      all but its last layer is shared by flows that read the same fields',
    'logit_st = b_st + w_1st f_1 + w_2st f_2,st + w_3st f_3,t + w_4st f_4,s      w in {0, 1}: the verdicts of the flow test',
  ].join('\n'),
  options: streamsOptions,
  problems: ({ flows }, sizes) => (typeof flows === 'string' ? [] : tableProblems('model.flows', flows, sizes)),
  // Many short steps: each stream is small, and the verdict leaves little to overfit.
  trainDefaults: { ...BASELINE_TRAINING, learningRate: 2e-3, batchSize: 512, patience: 3 },
  presets: {},
  build,
  readFields(options, sizes) {
    const table = tableOf(options, sizes);
    return [...new Set(table.fields.flatMap((names, k) => (isActive(table, k) ? names : [])))];
  },
  flowTable: {
    source: ({ flows = 'test' }) => sourceOf(flows),
    take: (options, flows) => ({ ...options, flows }),
  },
};
