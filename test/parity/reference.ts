/**
 * AutoIFS in plain float64 loops, written from its formulas and from nothing of the product: gradients are central
 * differences. It makes fixtures of any size.
 */
import { random } from '../../src/base/random.ts';

export interface Sizes {
  rows: number;
  /** Ids of each field. */
  vocab: number[];
  dim: number;
  scenarios: number;
  tasks: number;
  /** Two shared layers, one scenario layer. */
  mlp: [number, number, number];
  rank: number;
}

export interface Rows {
  ids: number[][];
  scenario: number[];
  labels: number[][];
}

export interface Run {
  mode: 'search' | 'ticket';
  temperature: number;
  lambda: number[];
}

export interface Tensor {
  shape: number[];
  data: Float64Array;
}
export type Parameters = Map<string, Tensor>;

const FLOWS = 4;
const TABLE = 'embedding.embedding';
const GATE_TABLE = 'gate_embedding.embedding';

/** Float32 numbers, all different from zero, so that every path carries a gradient. */
export function drawParameters(sizes: Sizes, seed: number): Parameters {
  const { vocab, dim, scenarios: S, tasks: T, mlp, rank } = sizes;
  const [h1, h2, h3] = mlp;
  const V = vocab.reduce((sum, size) => sum + size, 0);
  const linear = (name: string, outputs: number, inputs: number): [string, number[]][] => [
    [`${name}.weight`, [outputs, inputs]],
    [`${name}.bias`, [outputs]],
  ];
  const shapes: [string, number[]][] = [
    [TABLE, [V, dim]],
    ...linear('share_mlp.mlp.0', h1, vocab.length * dim),
    ...linear('share_mlp.mlp.3', h2, h1),
    ['D_kernels.0', [h2, h3]],
    ['D_bias.0', [h3]],
    ['T_kernels.0', [h3, 1]],
    ['T_bias.0', [1]],
    ['D_A_kernel.0', [S, h2, rank]],
    ['D_B_kernel.0', [S, rank, h3]],
    ['D_lora_bias.0', [S, h3]],
    ['T_A_kernel.0', [T, h3, rank]],
    ['T_B_kernel.0', [T, rank, 1]],
    ['T_lora_bias.0', [T, 1]],
    ...linear('gate_hypernet.mlp.0', h1, vocab.length * dim),
    ...linear('gate_hypernet.mlp.3', h2, h1),
    ...Array.from({ length: T }, (_, t) => linear(`gate_head${t}`, FLOWS, h2)).flat(),
    [GATE_TABLE, [V, dim]],
  ];
  return new Map(
    shapes.map(([name, shape]) => {
      const generator = random('parameters', seed, name);
      const length = shape.reduce((product, size) => product * size, 1);
      return [name, { shape, data: Float64Array.from({ length }, () => Math.fround(0.5 * generator.normal())) }];
    }),
  );
}

export function drawRows(sizes: Sizes, rows: number, seed: number): Rows {
  const generator = random('rows', seed);
  const offsets = fieldOffsets(sizes);
  return {
    // The last id of each field occurs in no row.
    ids: Array.from({ length: rows }, () => sizes.vocab.map((size, f) => offsets[f] + generator.below(size - 1))),
    scenario: Array.from({ length: rows }, () => generator.below(sizes.scenarios)),
    labels: Array.from({ length: rows }, () => Array.from({ length: sizes.tasks }, () => generator.below(2))),
  };
}

export const fieldOffsets = ({ vocab }: Sizes): number[] =>
  vocab.map((_, f) => vocab.slice(0, f).reduce((sum, size) => sum + size, 0));

type Vector = number[];
const relu = (x: Vector): Vector => x.map((v) => Math.max(0, v));
const plus = (a: Vector, b: Vector): Vector => a.map((v, i) => v + b[i]);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** What one row gives: per task the logit, the four gate logits and gates, the merged path and the four flows. */
export function forward(p: Parameters, sizes: Sizes, run: Run, ids: Vector, scenario: number, gateTable: Float64Array) {
  const { dim, tasks, mlp, rank } = sizes;
  const [h1, h2, h3] = mlp;
  const get = (name: string): Float64Array => (p.get(name) as Tensor).data;
  const look = (table: Float64Array): Vector => ids.flatMap((id) => [...table.subarray(id * dim, (id + 1) * dim)]);
  /** y = x W^T + b, W [out, in] */
  const linear = (x: Vector, name: string, outputs: number): Vector => {
    const [w, b] = [get(`${name}.weight`), get(`${name}.bias`)];
    return Array.from({ length: outputs }, (_, o) => x.reduce((sum, v, i) => sum + v * w[o * x.length + i], b[o]));
  };
  /** y = x W + b, W [in, out] starting at an offset */
  const times = (x: Vector, w: Float64Array, from: number, outputs: number): Vector =>
    Array.from({ length: outputs }, (_, o) => x.reduce((sum, v, i) => sum + v * w[from + i * outputs + o], 0));

  const hidden = relu(linear(relu(linear(look(get(TABLE)), 'share_mlp.mlp.0', h1)), 'share_mlp.mlp.3', h2));
  const shared = plus(times(hidden, get('D_kernels.0'), 0, h3), [...get('D_bias.0')]);
  const down = times(hidden, get('D_A_kernel.0'), scenario * h2 * rank, rank);
  const own = times(down, get('D_B_kernel.0'), scenario * rank * h3, h3);
  const specific = plus(own, [...get('D_lora_bias.0').subarray(scenario * h3, (scenario + 1) * h3)]);
  const merged = relu(plus(shared, specific));
  const gateHidden = relu(linear(relu(linear(look(gateTable), 'gate_hypernet.mlp.0', h1)), 'gate_hypernet.mlp.3', h2));

  const sh = (x: Vector): number => times(x, get('T_kernels.0'), 0, 1)[0] + get('T_bias.0')[0];
  const perTask = Array.from({ length: tasks }, (_, t) => {
    const sp = (x: Vector): number =>
      times(times(x, get('T_A_kernel.0'), t * h3 * rank, rank), get('T_B_kernel.0'), t * rank, 1)[0] +
      get('T_lora_bias.0')[t];
    const gateLogits = linear(gateHidden, `gate_head${t}`, FLOWS);
    const gates = gateLogits.map((w) => (run.mode === 'search' ? sigmoid(run.temperature * w) : Number(w > 0)));
    const flows = [sh(merged) + sp(merged), sh(shared), sp(specific), sp(shared), sh(specific)];
    const logit = flows[0] - gates.reduce((sum, gate, k) => sum + gate * flows[k + 1], 0);
    return { logit, gateLogits, gates, flows };
  });
  return { perTask, shared, specific };
}

/** The table that the gate network reads; it gets no gradient from there. */
export const gateTableOf = (p: Parameters, { mode }: Run): Float64Array =>
  (p.get(mode === 'search' ? TABLE : GATE_TABLE) as Tensor).data.slice();

export function loss(
  p: Parameters,
  sizes: Sizes,
  run: Run,
  { ids, scenario, labels }: Rows,
  gateTable: Float64Array,
): number {
  let sum = 0;
  ids.forEach((row, i) => {
    forward(p, sizes, run, row, scenario[i], gateTable).perTask.forEach(({ logit, gates }, t) => {
      sum += Math.log1p(Math.exp(-Math.abs(logit))) + Math.max(0, logit) - labels[i][t] * logit;
      if (run.mode === 'search') sum += (run.lambda[t] * gates.reduce((a, b) => a + b, 0)) / FLOWS;
    });
  });
  return sum / ids.length;
}

const STEP = 1e-5;

export const learns = (name: string, { mode }: Run): boolean =>
  name !== GATE_TABLE && (mode === 'search' || !name.startsWith('gate'));

/** By central differences; zeros for what does not learn. */
export function gradients(p: Parameters, sizes: Sizes, run: Run, rows: Rows): Parameters {
  const gateTable = gateTableOf(p, run);
  const used = new Set(rows.ids.flat());
  return new Map(
    [...p].map(([name, { shape, data }]) => [
      name,
      {
        shape,
        data: data.map((value, i) => {
          if (!learns(name, run) || (name === TABLE && !used.has(Math.floor(i / sizes.dim)))) return 0;
          const at = (x: number): number => {
            data[i] = x;
            return loss(p, sizes, run, rows, gateTable);
          };
          const slope = (at(value + STEP) - at(value - STEP)) / (2 * STEP);
          data[i] = value;
          return slope;
        }),
      },
    ]),
  );
}

export interface Group {
  lr: number;
  weight_decay: number;
}

/** PyTorch's Adam with coupled decay, a group for gates (none: they stay). Keeps its moments. */
export function adam(groupOf: (name: string) => Group | undefined) {
  const moments = new Map<string, [Float64Array, Float64Array]>();
  let step = 0;
  return (p: Parameters, gradient: Parameters): void => {
    step++;
    for (const [name, { data }] of p) {
      const group = groupOf(name);
      if (group === undefined) continue;
      const [m, v] = moments.get(name) ?? [new Float64Array(data.length), new Float64Array(data.length)];
      moments.set(name, [m, v]);
      data.forEach((value, i) => {
        const g = (gradient.get(name) as Tensor).data[i] + group.weight_decay * value;
        m[i] = 0.9 * m[i] + 0.1 * g;
        v[i] = 0.999 * v[i] + 0.001 * g * g;
        data[i] -= (group.lr * (m[i] / (1 - 0.9 ** step))) / (Math.sqrt(v[i] / (1 - 0.999 ** step)) + 1e-8);
      });
    }
  };
}

export const copy = (p: Parameters): Parameters =>
  new Map([...p].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]));
